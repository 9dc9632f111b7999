"""Against closed forms (binary chain, golden mean, even process), brute-force enumeration, and the draws themselves."""

from itertools import product

import numpy as np
import pytest

from workbench.corpus.languages import machine as machine_module
from workbench.corpus.languages.machine import Machine
from workbench.errors import BadInput


def machine(n_states: int, n_symbols: int, edges: list[tuple[int, int, int, float]]) -> Machine:
    source, symbol, target, prob = (np.array(column) for column in zip(*edges, strict=True))
    return Machine.from_edges(n_states, n_symbols, source, symbol, target, prob)


def golden_mean() -> Machine:
    """No two 1s in a row, else a fair coin: h = (2/3) ln 2."""
    return machine(2, 2, [(0, 0, 0, 0.5), (0, 1, 1, 0.5), (1, 0, 0, 1.0)])


def even_process() -> Machine:
    """Runs of 1s of even length, else a fair coin: h = (2/3) ln 2; runs of 1s alone never give the state away."""
    return machine(2, 2, [(0, 0, 0, 0.5), (0, 1, 1, 0.5), (1, 1, 0, 1.0)])


def noisy_chain(flip: float = 0.2, noise: float = 0.1) -> Machine:
    """A binary chain seen through a binary symmetric channel: a general hidden Markov source."""
    move, see = np.array([[1 - flip, flip], [flip, 1 - flip]]), np.array([[1 - noise, noise], [noise, 1 - noise]])
    return machine(2, 2, [(s, x, t, see[s, x] * move[s, t]) for s, x, t in product(range(2), repeat=3)])


def brute_force(source: Machine, length: int) -> list[float]:
    """H(X_0 … X_{t−1}) for t = 1 … length, over all strings."""
    matrices = np.zeros((source.n_symbols, source.n_states, source.n_states))
    np.add.at(matrices, (source.symbol_E, source.source_E, source.target_E), source.prob_E)
    entropies = []
    for t in range(1, length + 1):
        probs = []
        for string in product(range(source.n_symbols), repeat=t):
            belief = source.stationary_S
            for x in string:
                belief = belief @ matrices[x]
            probs.append(belief.sum())
        p = np.array([p for p in probs if p > 0])
        entropies.append(float(-p @ np.log(p)))
    return entropies


def test_stationary_distribution_of_a_binary_chain_is_the_closed_form() -> None:
    chain = machine(2, 2, [(0, 0, 0, 0.7), (0, 1, 1, 0.3), (1, 0, 0, 0.1), (1, 1, 1, 0.9)])
    np.testing.assert_allclose(chain.stationary_S, [0.25, 0.75], atol=1e-13)


def test_stationary_distribution_of_a_periodic_machine_is_found() -> None:
    ring = machine(4, 2, [(s, s % 2, (s + 1) % 4, 1.0) for s in range(4)])
    np.testing.assert_allclose(ring.stationary_S, 0.25, atol=1e-13)


def test_unifilar_is_told_from_not() -> None:
    assert golden_mean().is_unifilar
    assert not noisy_chain().is_unifilar


def test_draws_follow_the_edges_and_begin_stationary() -> None:
    symbols_CT = even_process().sample(20_000, 30, np.random.default_rng(0))
    assert symbols_CT.shape == (20_000, 30)
    np.testing.assert_allclose(symbols_CT.mean(0), 2 / 3, atol=5 * 0.5 / 20_000**0.5)
    text = "".join(map(str, symbols_CT[0]))
    runs = [len(run) for run in text.strip("1").split("0") if run]
    assert runs and all(length % 2 == 0 for length in runs)


def test_pairs_are_as_frequent_in_draws_as_in_the_machine() -> None:
    source = noisy_chain()
    symbols_CT = source.sample(1000, 200, np.random.default_rng(1))
    joint_SS = source.stationary_S @ np.array([[0.9, 0.1], [0.1, 0.9]])
    assert abs(symbols_CT.mean() - joint_SS[1]) < 0.01
    repeats = (symbols_CT[:, 1:] == symbols_CT[:, :-1]).mean()
    assert repeats == pytest.approx(0.8 * (0.81 + 0.01) + 0.2 * (2 * 0.09), abs=0.005)


def test_surprisal_sums_to_the_log_probability_of_the_string() -> None:
    source = noisy_chain()
    strings = np.array(list(product(range(2), repeat=6)), dtype=np.int32)
    probability = np.exp(-source.surprisal(strings).sum(1))
    assert probability.sum() == pytest.approx(1.0, abs=1e-12)
    assert float(-probability @ np.log(probability)) == pytest.approx(brute_force(source, 6)[-1], abs=1e-12)


def test_a_state_without_a_way_out_is_an_error() -> None:
    with pytest.raises(ValueError, match="state 1 has no way out"):
        machine(2, 2, [(0, 0, 1, 1.0)])


def test_a_machine_that_hardly_moves_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(machine_module, "MAX_POWER_STEPS", 100)
    stuck = machine(2, 2, [(0, 0, 0, 1 - 1e-6), (0, 1, 1, 1e-6), (1, 1, 1, 1 - 3e-6), (1, 0, 0, 3e-6)])
    with pytest.raises(BadInput, match="a language of 2 states forgets where it began too slowly"):
        _ = stuck.stationary_S
