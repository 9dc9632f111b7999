"""What a perfect predictor still has to guess: conditional entropies, by enumerating what it can believe.

A predictor that has seen x_0 … x_{t−1} holds a belief, the distribution of the hidden state given them. All the
beliefs it can hold, with their probabilities, are carried forward symbol by symbol; beliefs that are equal, or nearly
so, are merged into their mean. Merging forgets something, so the entropies can only rise; by the data-processing
inequality the sum of that rise over the whole future is at most the information about the state that the merge
forgot, Σ_i w_i [H(mean belief) − H(belief_i)], which is added up as `forgotten`. So

    Σ_t upper_t − forgotten  ≤  Σ_t H(X_t | X_0 … X_{t−1})  ≤  Σ_t upper_t

is a proof and not an estimate. The entropy rate h lies between H(X_n | X_0 … X_{n−1}) and the same with the first
state known as well (Cover & Thomas, Elements of Information Theory, theorem 4.5.1).

Shapes: M beliefs, S states, X symbols, K kinds of symbols, G merged beliefs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.special import entr

from workbench.corpus.languages.machine import Floats, Ints, Machine

MAX_ENTRIES = 4_000_000  # of all beliefs together after one step, before merging: about 0.3 GB
MAX_WORK = 20_000_000  # entries over all steps: some seconds
GRIDS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7)  # from coarse and quick to fine


class NotBracketed(Exception):
    """The bounds did not meet within the allowed work."""


@dataclass(frozen=True)
class Step:
    """Bounds at one t: H(X_t | X_0 … X_{t−1}) ≤ upper, and the information forgotten by all merges so far."""

    upper: float
    forgotten: float


def stationary_start(machine: Machine) -> tuple[Floats, Any]:
    """One belief, the stationary distribution: nothing seen yet."""
    return np.ones(1), sparse.csr_matrix(machine.stationary_S[None, :])


def known_start(machine: Machine) -> tuple[Floats, Any]:
    """As many beliefs as states: the first state is told."""
    return machine.stationary_S, sparse.identity(machine.n_states, format="csr")


def enumerate_beliefs(machine: Machine, start: tuple[Floats, Any], grid: float, work: int = MAX_WORK) -> Iterator[Step]:
    """Bounds for t = 0, 1, 2, …; raises NotBracketed when the beliefs become too many, at one step or over all."""
    kinds = _kinds(machine)
    weight_M, belief_MS = start
    n_states, n_kinds = machine.n_states, kinds.inner_K.size
    fan_S = np.bincount(machine.source_E, minlength=n_states)
    forgotten = 0.0
    hash_S = np.random.default_rng(0).integers(1, 2**63, n_states, dtype=np.uint64) * 2 + 1
    while True:
        entries = int(fan_S[belief_MS.indices].sum())
        work -= entries
        if entries > MAX_ENTRIES or work < 0:
            raise NotBracketed
        joint = (belief_MS @ kinds.step).tocoo()
        branch_N = joint.row.astype(np.int64) * n_kinds + joint.col // n_states
        rows, row_N = np.unique(branch_N, return_inverse=True)
        prob_R = np.bincount(row_N, weights=joint.data)
        old_R, kind_R = rows // n_kinds, rows % n_kinds
        weight_R = weight_M[old_R] * prob_R
        yield Step(float((weight_M[old_R] * entr(prob_R)).sum() + weight_R @ kinds.inner_K[kind_R]), forgotten)
        belief_RS = sparse.csr_matrix(
            (joint.data / prob_R[row_N], (row_N, joint.col % n_states)), (rows.size, n_states)
        )
        weight_M, belief_MS, lost = _merge(weight_R, belief_RS, grid, hash_S)
        forgotten += lost


def window_bracket(machine: Machine, rate: tuple[float, float], context: int, tolerance: float) -> tuple[float, float]:
    """Bounds of (1/T) Σ_{t=1..T} H(X_t | X_0 … X_{t−1}), T = context; `rate` bounds the entropy rate.

    The conditional entropies fall towards the rate, so once they are near it the rest of the window lies between the
    two.
    """
    for grid in GRIDS:
        total = 0.0
        try:
            for t, step in enumerate(enumerate_beliefs(machine, stationary_start(machine), grid)):
                left = context - t  # terms t+1 … T, still to come
                total += step.upper if t > 0 else 0.0
                low = (total - step.forgotten + left * min(rate[0], step.upper)) / context
                high = (total + left * step.upper) / context
                if high - low <= tolerance:
                    return low, high
                if left == 0 or step.forgotten / context > tolerance:
                    break
        except NotBracketed:
            break
    raise NotBracketed


def rate_bracket(machine: Machine, tolerance: float, work: int = MAX_WORK) -> tuple[float, float]:
    """Bounds of the entropy rate: exact where a symbol and a state determine the next state, else from both sides."""
    if machine.is_unifilar:
        rate = float(machine.stationary_S @ machine.symbol_entropy_S)
        return rate, rate
    for grid in GRIDS:
        unknown = enumerate_beliefs(machine, stationary_start(machine), grid, work)
        known = enumerate_beliefs(machine, known_start(machine), grid, work)
        low, high = 0.0, np.inf
        try:
            for above, below in zip(unknown, known, strict=True):
                low, high = max(low, below.upper - below.forgotten), min(high, above.upper)
                if high - low <= tolerance:
                    return low, high
                if below.forgotten > tolerance:
                    break
        except NotBracketed:
            break
    raise NotBracketed


@dataclass(frozen=True)
class _Kinds:
    """Symbols that say the same about the state, as one: `step` (S, K·S) joins kind and next state; `inner_K` is
    H(symbol | kind)."""

    step: Any
    inner_K: Floats


def _kinds(machine: Machine) -> _Kinds:
    """Two symbols are of a kind when their matrices P(symbol, next | state) are proportional: the words of one
    class of a grammar."""
    kinds: dict[bytes, list[int]] = {}
    total_X = np.bincount(machine.symbol_E, weights=machine.prob_E, minlength=machine.n_symbols)
    for x in np.flatnonzero(total_X):
        edges = machine.symbol_E == x
        ratio = np.round(machine.prob_E[edges] / total_X[x], 11)
        signature = machine.source_E[edges].tobytes() + machine.target_E[edges].tobytes() + ratio.tobytes()
        kinds.setdefault(signature, []).append(int(x))
    kind_X = np.zeros(machine.n_symbols, np.int64)
    inner_K = np.empty(len(kinds))
    for k, members in enumerate(kinds.values()):
        kind_X[members] = k
        inner_K[k] = entr(total_X[members] / total_X[members].sum()).sum()
    column_E: Ints = kind_X[machine.symbol_E] * machine.n_states + machine.target_E
    shape = (machine.n_states, len(kinds) * machine.n_states)
    return _Kinds(sparse.csr_matrix((machine.prob_E, (machine.source_E, column_E)), shape), inner_K)


def _merge(weight_R: Floats, belief_RS: Any, grid: float, hash_S: Any) -> tuple[Floats, Any, float]:
    """Merge beliefs that fall into one cell; returns weights, beliefs and the information about the state forgotten.

    Cells are equal in √belief, where a small move costs the same information everywhere, and wider for rarer beliefs,
    so that each belief's share of what is forgotten is about grid².
    """
    width_R = grid * 2.0 ** np.clip(np.round(-0.5 * np.log2(weight_R)), 0, 40)
    width_R = np.minimum(width_R, 0.2)
    row_N = np.repeat(np.arange(weight_R.size), np.diff(belief_RS.indptr))
    cell_N = np.round(np.sqrt(belief_RS.data) / width_R[row_N]).astype(np.uint64)
    key_R = np.zeros(weight_R.size, np.uint64)
    np.add.at(key_R, row_N, cell_N * hash_S[belief_RS.indices])
    key_R ^= np.round(np.log2(width_R)).astype(np.int64).astype(np.uint64)
    keys, group_R = np.unique(key_R, return_inverse=True)
    weight_G = np.bincount(group_R, weights=weight_R).astype(np.float64)
    mean = sparse.csr_matrix(
        (weight_R / weight_G[group_R], (group_R, np.arange(weight_R.size))), (keys.size, weight_R.size)
    )
    merged_GS = (mean @ belief_RS).tocsr()
    before = float(entr(belief_RS.data) @ weight_R[row_N])
    after = float(entr(merged_GS.data) @ np.repeat(weight_G, np.diff(merged_GS.indptr)))
    return weight_G, merged_GS, max(0.0, after - before)
