"""Against brute-force enumeration of all strings, and entropies known in closed form."""

import math

import numpy as np
import pytest

from tests.corpus.languages.test_machine import brute_force, even_process, golden_mean, machine, noisy_chain
from workbench.corpus.languages.beliefs import (
    NotBracketed,
    enumerate_beliefs,
    known_start,
    rate_bracket,
    stationary_start,
    window_bracket,
)


@pytest.mark.parametrize("source", [golden_mean(), even_process(), noisy_chain()], ids=["golden", "even", "noisy"])
def test_conditional_entropies_equal_brute_force(source) -> None:
    block = [0.0, *brute_force(source, 8)]
    for t, step in zip(range(8), enumerate_beliefs(source, stationary_start(source), 1e-9), strict=False):
        assert step.upper == pytest.approx(block[t + 1] - block[t], abs=1e-9)


def test_a_coarse_grid_still_brackets() -> None:
    source = noisy_chain()
    block = [0.0, *brute_force(source, 10)]
    upper = forgotten = 0.0
    for t, step in zip(range(10), enumerate_beliefs(source, stationary_start(source), 0.05), strict=False):
        upper, forgotten = upper + step.upper, step.forgotten
        assert upper - forgotten - 1e-12 <= block[t + 1] <= upper + 1e-12
    assert forgotten > 1e-6


@pytest.mark.parametrize("source", [golden_mean(), even_process()], ids=["golden", "even"])
def test_rate_of_unifilar_processes_is_two_thirds_of_ln_2(source) -> None:
    low, high = rate_bracket(source, 1e-6)
    assert low == high == pytest.approx(2 / 3 * math.log(2), abs=1e-12)


def test_rate_of_a_binary_chain_is_the_closed_form() -> None:
    chain = machine(2, 2, [(0, 0, 0, 0.7), (0, 1, 1, 0.3), (1, 0, 0, 0.1), (1, 1, 1, 0.9)])
    entropy = {p: -p * math.log(p) - (1 - p) * math.log(1 - p) for p in (0.3, 0.1)}
    assert rate_bracket(chain, 1e-6)[0] == pytest.approx(0.25 * entropy[0.3] + 0.75 * entropy[0.1], abs=1e-12)


def test_rate_of_a_hidden_source_lies_between_both_conditional_entropies_of_long_strings() -> None:
    source = noisy_chain()
    low, high = rate_bracket(source, 1e-6)
    assert high - low <= 1e-6
    block = brute_force(source, 13)
    assert low <= block[-1] - block[-2] <= high + 1e-3
    steps = enumerate_beliefs(source, known_start(source), 1e-7)
    known = [step.upper for _, step in zip(range(13), steps, strict=False)]
    assert known[-1] - 1e-6 <= high and known == sorted(known)


def test_a_source_that_reveals_no_state_has_the_entropy_of_independent_symbols() -> None:
    """Both states emit alike, so the chain cannot matter."""
    low, high = rate_bracket(noisy_chain(noise=0.5), 1e-6)
    assert low == pytest.approx(math.log(2), abs=1e-6) and high == pytest.approx(math.log(2), abs=1e-6)


@pytest.mark.parametrize("source", [golden_mean(), even_process(), noisy_chain()], ids=["golden", "even", "noisy"])
@pytest.mark.parametrize("context", [1, 3, 9])
def test_window_entropy_equals_brute_force(source, context: int) -> None:
    block = brute_force(source, context + 1)
    low, high = window_bracket(source, rate_bracket(source, 1e-6), context, 1e-6)
    assert low - 1e-12 <= (block[-1] - block[0]) / context <= high + 1e-12
    assert high - low <= 1e-6


def test_proportional_symbols_are_one_kind_and_change_nothing() -> None:
    """Every symbol split into three words of odds ½, ⅓, ⅙: each entropy rises by the entropy of the words."""
    plain, odds = even_process(), np.array([1 / 2, 1 / 3, 1 / 6])
    edges = [
        (int(s), int(3 * x + w), int(t), float(p * odds[w]))
        for s, x, t, p in zip(plain.source_E, plain.symbol_E, plain.target_E, plain.prob_E, strict=True)
        for w in range(3)
    ]
    split, more = machine(2, 6, edges), float(-odds @ np.log(odds))
    pairs = zip(
        range(12),
        enumerate_beliefs(plain, stationary_start(plain), 1e-9),
        enumerate_beliefs(split, stationary_start(split), 1e-9),
        strict=False,
    )
    for _, before, after in pairs:
        assert after.upper == pytest.approx(before.upper + more, abs=1e-9)


def test_a_source_that_hardly_mixes_is_not_bracketed() -> None:
    with pytest.raises(NotBracketed):
        rate_bracket(noisy_chain(flip=1e-4, noise=0.45), 1e-6, work=200_000)
