"""Reference: the schedules' closed forms at their ends and middles."""

import math
import typing

import pytest

from tests.training.tiny import tiny_run
from workbench.corpus.shards import Corpus
from workbench.training.config import Schedule
from workbench.training.horizon import resolve
from workbench.training.schedule import SCHEDULES, rate_at


def test_warmup_rises_linearly_to_the_peak(corpus: Corpus) -> None:
    horizon = resolve(tiny_run(corpus, warmup_fraction=0.2))
    rates = [rate_at(step, horizon, "cosine", 0.0) for step in range(5)]
    assert rates == pytest.approx([0.002, 0.004, 0.006, 0.008, 0.01])


def test_cosine_is_half_way_down_in_the_middle_of_its_decay(corpus: Corpus) -> None:
    horizon = resolve(tiny_run(corpus, warmup_fraction=0.0))
    assert rate_at(10, horizon, "cosine", 0.0) == pytest.approx(0.005)
    assert rate_at(10, horizon, "cosine", 0.1) == pytest.approx(0.0055)
    assert rate_at(20, horizon, "cosine", 0.1) == pytest.approx(0.001)


def test_wsd_is_flat_then_falls_linearly(corpus: Corpus) -> None:
    horizon = resolve(tiny_run(corpus, schedule="wsd", warmup_fraction=0.1, decay_fraction=0.5))
    assert [rate_at(step, horizon, "wsd", 0.0) for step in (2, 9, 10, 15)] == pytest.approx([0.01, 0.01, 0.01, 0.005])


def test_constant_never_falls(corpus: Corpus) -> None:
    horizon = resolve(tiny_run(corpus, schedule="constant", warmup_fraction=0.0))
    assert {rate_at(step, horizon, "constant", 0.0) for step in range(20)} == {0.01}


def test_inverse_sqrt_is_vaswanis_formula_and_knows_no_horizon(corpus: Corpus) -> None:
    """min(t/w, √(w/t)) of the peak at update t, w of them being warm-up: section 5.3, at its largest value 1."""
    short, long = (
        resolve(tiny_run(corpus, schedule="inverse-sqrt", warmup_tokens=3 * 64, tokens=tokens, batch_tokens=64))
        for tokens in (1280, 2560)
    )
    rates = [rate_at(step, short, "inverse-sqrt", 0.0) for step in range(20)]
    assert rates == pytest.approx([0.01 * min(t / 4, math.sqrt(4 / t)) for t in range(1, 21)])
    assert rates == [rate_at(step, long, "inverse-sqrt", 0.0) for step in range(20)]


def test_the_table_has_every_name() -> None:
    assert set(SCHEDULES) == set(typing.get_args(Schedule))
