"""The reference is arithmetic, at sizes the papers speak of."""

import math
from typing import Any

import pytest
from pydantic import ValidationError

from tests.training.tiny import tiny_run
from workbench.corpus.shards import Corpus
from workbench.errors import BadInput
from workbench.models.counts import count
from workbench.training.horizon import resolve
from workbench.training.rules import BATCH_RULES, RATE_RULES, Facts, PowerRule, rule


def facts(n: int, d: float, batch: float = 1.0) -> Facts:
    return Facts(n, n, d, 6 * n * d, 6 * n * d, batch)


def test_published_rules_at_a_billion_parameters_and_twenty_billion_tokens() -> None:
    run = facts(10**9, 2e10)
    assert RATE_RULES["step-law"].value(run) == pytest.approx(1.79 * 10 ** (-0.713 * 9 + 0.307 * math.log10(2e10)))
    assert BATCH_RULES["step-law"].value(run) == pytest.approx(0.58 * (2e10) ** 0.571)
    assert RATE_RULES["deepseek"].value(run) == pytest.approx(0.3118 / (1.2e20) ** 0.125)
    assert BATCH_RULES["deepseek"].value(run) == pytest.approx(0.2920 * (1.2e20) ** 0.3271)
    assert RATE_RULES["kaplan"].value(run) == pytest.approx(0.003239 - 0.0001395 * 9 * math.log(10))


def test_deepseeks_compute_leaves_out_the_head(corpus: Corpus) -> None:
    """With no biases counted as products, 72·n_layer·d_model² + 12·n_layer·d_model·n_ctx FLOPs a token."""
    config = tiny_run(corpus, tokens=6400, learning_rate=None, rate_rule="deepseek")
    L, D, T = config.model.n_layer, config.model.d_model, config.model.context
    compute = (72 * L * D**2 + 12 * L * D * T) * 6400
    assert resolve(config).learning_rate == pytest.approx(0.3118 * compute**-0.125)


def test_powers_of_ones_own_are_read_from_a_table(corpus: Corpus) -> None:
    table = {"constant": 0.02, "n": -0.3, "d": 0.1, "batch": 0.5}
    config = tiny_run(corpus, tokens=6400, learning_rate=None, rate_rule=table, batch_rule={"constant": 2, "d": 0.5})
    horizon = resolve(config)
    assert horizon.batch_tokens == 160  # 2 · √6400
    expected = 0.02 * count(config.model).n_params ** -0.3 * 6400**0.1 * 160**0.5
    assert horizon.learning_rate == pytest.approx(expected)
    assert horizon.reasons["learning_rate"].startswith("0.02 · N^-0.3 · D^0.1 · B^0.5 = ")


def test_our_rule_written_out_is_our_rule() -> None:
    run = facts(54_321, 7e5, 384)
    written = PowerRule(constant=0.013 * 1e5**0.25 / 512**0.5, n=-0.25, batch=0.5)
    assert rule(written, RATE_RULES).value(run) == pytest.approx(RATE_RULES["workbench"].value(run))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"rate_rule": "kaplan"}, "learning_rate and rate_rule are both given"),
        ({"batch_rule": "deepseek"}, "batch_tokens and batch_rule are both given"),
        ({"batch_rule": {"constant": 1, "batch": 1}, "tokens": 100}, "cannot follow itself"),
    ],
)
def test_rules_that_nothing_would_read_are_refused(corpus: Corpus, fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        tiny_run(corpus, **fields)


def test_kaplans_rate_ends_at_ten_billion() -> None:
    with pytest.raises(BadInput, match="fewer than 1e10"):
        RATE_RULES["kaplan"].value(facts(2 * 10**10, 1e9))


@pytest.mark.parametrize("power", [60.0, -60.0])
def test_powers_beyond_all_numbers_are_refused(power: float) -> None:
    with pytest.raises(BadInput, match="give it powers that make a rate"):
        rule(PowerRule(constant=1, d=power), RATE_RULES).value(facts(10**5, 1e6))
