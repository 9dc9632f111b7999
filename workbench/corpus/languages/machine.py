"""A hidden Markov machine as a list of edges: from a state, emit a symbol, arrive in a state.

Every language here compiles to one. Edges are sorted by the state they leave, so that drawing the next symbol of many
chains at once is a single binary search: edge e of state s occupies the interval (s + what came before it, s + what
came before it + p_e].

Shapes: S states, X symbols, E edges, C chains, T time, B windows.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import BadInput

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MAX_POWER_STEPS = 200_000


@dataclass(frozen=True, eq=False)
class Machine:
    """P(symbol, next state | state) as edges; build it with `Machine.from_edges`."""

    n_states: int
    n_symbols: int
    source_E: Ints
    symbol_E: Ints
    target_E: Ints
    prob_E: Floats

    @classmethod
    def from_edges(
        cls, n_states: int, n_symbols: int, source_E: Ints, symbol_E: Ints, target_E: Ints, prob_E: Floats
    ) -> "Machine":
        """Drop edges that are never taken, sort the rest, and let the edges that leave a state sum to one."""
        taken_E = prob_E > 0
        source_E, symbol_E, target_E, prob_E = source_E[taken_E], symbol_E[taken_E], target_E[taken_E], prob_E[taken_E]
        order_E = np.lexsort((target_E, symbol_E, source_E))
        source_E, symbol_E, target_E, prob_E = source_E[order_E], symbol_E[order_E], target_E[order_E], prob_E[order_E]
        total_S = np.bincount(source_E, weights=prob_E, minlength=n_states)
        if (total_S == 0).any():
            raise ValueError(f"state {int(np.argmin(total_S))} has no way out")
        return cls(n_states, n_symbols, source_E, symbol_E, target_E, prob_E / total_S[source_E])

    @cached_property
    def is_unifilar(self) -> bool:
        """Whether a state and a symbol determine the next state."""
        pair_E = self.source_E * self.n_symbols + self.symbol_E
        return np.unique(pair_E).size == pair_E.size

    @cached_property
    def stationary_S(self) -> Floats:
        """The stationary distribution, by power iteration on the lazy chain (I + P) / 2, which has the same one
        and no period."""
        now_S = np.full(self.n_states, 1 / self.n_states)
        for _ in range(MAX_POWER_STEPS):
            moved_S = np.bincount(self.target_E, weights=now_S[self.source_E] * self.prob_E, minlength=self.n_states)
            if np.abs(moved_S - now_S).sum() < 1e-15 * max(16, self.n_states**0.5):
                return moved_S / moved_S.sum()
            now_S = (now_S + moved_S) / 2
        raise BadInput(
            f"a language of {self.n_states} states forgets where it began too slowly for its stationary distribution "
            f"to be found in {MAX_POWER_STEPS:,} steps; fewer states or a lower zipf would be right."
        )

    @cached_property
    def symbol_entropy_S(self) -> Floats:
        """H(next symbol | state), in nats."""
        pair_E = self.source_E * self.n_symbols + self.symbol_E
        pairs, inverse_E = np.unique(pair_E, return_inverse=True)
        prob_P = np.bincount(inverse_E, weights=self.prob_E)
        entropy_P = -prob_P * np.log(prob_P)
        return np.bincount(pairs // self.n_symbols, weights=entropy_P, minlength=self.n_states).astype(np.float64)

    def sample(self, chains: int, length: int, rng: np.random.Generator) -> NDArray[np.int32]:
        """Stationary draws of many chains at once, symbols (C, T)."""
        upper_E = np.cumsum(self.prob_E)
        first_S = np.searchsorted(self.source_E, np.arange(self.n_states))
        upper_E += self.source_E - np.concatenate([[0.0], upper_E])[first_S][self.source_E]
        last_S = np.append(first_S[1:], self.prob_E.size) - 1
        upper_E[last_S] = np.arange(self.n_states) + 1
        state_C = rng.choice(self.n_states, size=chains, p=self.stationary_S)
        edge_TC = np.empty((length, chains), np.int64)
        for start in range(0, length, 1024):
            uniform_TC = rng.random((min(1024, length - start), chains))
            for step, uniform_C in enumerate(uniform_TC, start):
                # A large state number can round the sum up to the next state: the minimum keeps a chain on its edges.
                edge_C = np.minimum(np.searchsorted(upper_E, state_C + uniform_C, side="right"), last_S[state_C])
                edge_TC[step] = edge_C
                state_C = self.target_E[edge_C]
        return self.symbol_E[edge_TC].T.astype(np.int32)

    def surprisal(self, symbols_BT: NDArray[np.int32]) -> Floats:
        """−log P(x_t | x_0 … x_{t−1}) of windows from a stationary position, (B, T), by the exact forward filter."""
        matrices = self._matrices()
        belief_BS = np.tile(self.stationary_S, (symbols_BT.shape[0], 1))
        surprisal_BT = np.empty(symbols_BT.shape)
        for t, symbol_B in enumerate(symbols_BT.T):
            joint_BS = np.zeros_like(belief_BS)
            for x in np.unique(symbol_B):
                rows = np.flatnonzero(symbol_B == x)
                joint_BS[rows] = belief_BS[rows] @ matrices[x]
            prob_B = joint_BS.sum(1)
            surprisal_BT[:, t] = -np.log(prob_B)
            belief_BS = joint_BS / prob_B[:, None]
        return surprisal_BT

    def _matrices(self) -> list[Any]:
        """One sparse matrix (S, S) a symbol: P(symbol, next state | state)."""
        from scipy import sparse

        shape = (self.n_states, self.n_states)
        edges_X = [np.flatnonzero(self.symbol_E == x) for x in range(self.n_symbols)]
        return [sparse.csr_matrix((self.prob_E[e], (self.source_E[e], self.target_E[e])), shape) for e in edges_X]
