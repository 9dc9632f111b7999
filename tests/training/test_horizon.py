"""The reference is arithmetic: one horizon, from which all else follows."""

from typing import Any

import pytest

from tests.training.tiny import tiny_run
from workbench.corpus.shards import Corpus
from workbench.errors import BadInput
from workbench.models.counts import count
from workbench.training.horizon import resolve


def test_flops_horizon_is_met_within_half_a_step(corpus: Corpus) -> None:
    config = tiny_run(corpus, flops=1e9)
    horizon = resolve(config)
    per_step = horizon.batch_tokens * count(config.model).flops_per_token_training
    assert abs(horizon.flops - 1e9) <= per_step / 2
    assert horizon.flops == horizon.tokens * count(config.model).flops_per_token_training
    assert horizon.flops_6nd == 6 * count(config.model).n_params * horizon.tokens


def test_steps_tokens_and_ratio_name_the_same_horizon(corpus: Corpus) -> None:
    by_steps = resolve(tiny_run(corpus, steps=20, batch_tokens=64))
    by_tokens = resolve(tiny_run(corpus, tokens=20 * 64, batch_tokens=64))
    n = count(tiny_run(corpus).model).n_params
    by_ratio = resolve(tiny_run(corpus, tokens_per_param=20 * 64 / n, batch_tokens=64))
    assert (by_steps.steps, by_steps.tokens) == (by_tokens.steps, by_tokens.tokens) == (by_ratio.steps, by_ratio.tokens)
    assert by_steps.tokens == 1280


def test_unset_batch_and_rate_follow_the_rules_and_say_so(corpus: Corpus) -> None:
    config = tiny_run(corpus, tokens=100_000, learning_rate=None, rate_factor=0.5)
    horizon = resolve(config)
    assert horizon.batch_windows == round(512 * 0.1**0.5 / 16)
    expected = 0.013 * (count(config.model).n_params / 1e5) ** -0.25 * (horizon.batch_tokens / 512) ** 0.5
    assert horizon.learning_rate == pytest.approx(0.5 * expected)
    assert {"batch_tokens", "learning_rate", "warmup_steps"} <= set(horizon.reasons)


def test_warmup_and_decay_are_shares_of_the_steps(corpus: Corpus) -> None:
    cosine = resolve(tiny_run(corpus, warmup_fraction=0.25))
    assert (cosine.warmup_steps, cosine.decay_steps) == (5, 15)
    wsd = resolve(tiny_run(corpus, schedule="wsd", warmup_fraction=0.25, decay_fraction=0.2))
    assert (wsd.warmup_steps, wsd.decay_steps) == (5, 4)


def test_warmup_in_tokens_is_the_same_for_every_horizon(corpus: Corpus) -> None:
    for tokens in (1280, 12_800):
        horizon = resolve(tiny_run(corpus, tokens=tokens, batch_tokens=64, warmup_tokens=320))
        assert horizon.warmup_steps == 5
        assert horizon.reasons["warmup_steps"] == "320 tokens / 64 per step"


@pytest.mark.parametrize(
    ("train", "sentence"),
    [
        ({"warmup_tokens": 1280}, r"the sweep: train\.warmup_tokens = 1280: the run has 1280 tokens, .* give fewer"),
        ({"warmup_tokens": 1000, "schedule": "wsd", "decay_fraction": 0.5}, r"more than the run's 20; give a smaller"),
    ],
)
def test_a_warmup_that_does_not_fit_the_run_is_refused(corpus: Corpus, train: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        resolve(tiny_run(corpus, **train), "the sweep")


def test_the_rate_rule_is_for_adamw_and_lion_takes_a_share_of_it(corpus: Corpus) -> None:
    adamw, lion, muon = (
        resolve(tiny_run(corpus, learning_rate=None, optimizer=name)) for name in ("adamw", "lion", "muon")
    )
    assert lion.learning_rate == pytest.approx(0.2 * adamw.learning_rate)
    assert muon.learning_rate == adamw.learning_rate
    assert "0.2 for lion" in lion.reasons["learning_rate"]


@pytest.mark.parametrize("shape", [{}, {"d_head": 4}, {"d_ff": 64}])
def test_under_mup_every_width_has_the_rate_of_the_base(corpus: Corpus, shape: dict[str, int]) -> None:
    def rate(width: int, **fields: Any) -> float:
        sizes = {name: value * width // 16 if name == "d_ff" else value for name, value in shape.items()}
        model = {"d_model": width, "n_head": width // 4, **sizes, **fields}
        return resolve(tiny_run(corpus, learning_rate=None, model=model)).learning_rate

    mup = {"parameterisation": "mup", "base_width": 16}
    assert rate(16) == rate(16, **mup) == pytest.approx(rate(64, **mup)) and rate(64) < rate(16)


def test_a_horizon_below_one_step_is_refused(corpus: Corpus) -> None:
    with pytest.raises(BadInput, match=r"10 tokens is less than one step of 4 × 16 tokens"):
        resolve(tiny_run(corpus, tokens=10, batch_tokens=64))
