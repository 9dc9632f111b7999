"""Sums of power laws, L = Σ_k exp(t_k)·x_k^(−s_k): ln L is a log-sum-exp, smooth, and linear but for the exponents."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from workbench.fitting.laws.base import Array, Law, Local, Separable

EXPONENTS = np.geomspace(0.02, 2.4, 24)
"""Exponents a certificate searches: each 23% above the one before."""

MANY = 64
"""Rows from which exponentials are worth a series."""


class SumOfPowers(Law):
    """A sum of power laws, one of them a constant as a rule.

    `terms` lists, for each summand, the index in theta of its amplitude's logarithm, and the indices in theta and in
    the features of its exponent (None for the constant). Two summands may share an exponent.
    """

    terms: ClassVar[tuple[tuple[int, int | None, int | None], ...]]

    @property
    def _exponents(self) -> tuple[int, ...]:
        """Entries of theta that are exponents, each once."""
        return tuple(dict.fromkeys(exponent for _, exponent, _ in self.terms if exponent is not None))

    @property
    def nonlinear(self) -> tuple[int, ...]:  # type: ignore[override]
        """The exponents."""
        return self._exponents

    def axes(self) -> tuple[Array, ...]:
        """The same values for every exponent, within its bounds."""
        low_P, high_P = self.bounds_2P
        return tuple(EXPONENTS[(low_P[i] <= EXPONENTS) & (high_P[i] >= EXPONENTS)] for i in self._exponents)

    def separable(self, nodes_SK: Array, x_MF: Array) -> Separable:
        """Given the exponents, L is linear in the amplitudes."""
        basis = []
        for _, exponent, feature in self.terms:
            if exponent is None or feature is None:
                basis.append(np.ones((1, 1)))
                continue
            # Few distinct exponents make up a grid of many nodes: each is raised to its power once.
            values, where_S = np.unique(nodes_SK[:, self._exponents.index(exponent)], return_inverse=True)
            basis.append(np.exp(-values[:, None] * x_MF[:, feature])[where_S])

        def join(t_SQ: Array) -> Array:
            theta_SP = np.empty((len(nodes_SK), len(self.theta_bounds)))
            for q, (amplitude, _, _) in enumerate(self.terms):
                theta_SP[:, amplitude] = t_SQ[:, q]
            theta_SP[:, list(self._exponents)] = nodes_SK
            return theta_SP

        return Separable(tuple(basis), np.ones(len(nodes_SK)), join)

    def _levels(self, theta_SP: Array, x_MF: Array) -> tuple[list[Array], Array]:
        """Every term, and their sum. The bounds of theta keep the powers within the range of floats."""
        levels = []
        for amplitude, exponent, feature in self.terms:
            if exponent is None or feature is None:
                levels.append(np.exp(theta_SP[:, amplitude, None]))
            else:
                levels.append(exponentials(theta_SP[:, amplitude], theta_SP[:, exponent], x_MF[:, feature]))
        total_SM = sum(levels[1:], levels[0])
        return levels, np.broadcast_to(total_SM, (len(theta_SP), len(x_MF)))

    def evaluate(self, theta_SP: Array, x_MF: Array) -> Array:
        """The logarithm of the sum."""
        if len(self.terms) == 1:
            ((amplitude, exponent, feature),) = self.terms
            if exponent is None or feature is None:
                return np.repeat(theta_SP[:, amplitude, None], len(x_MF), axis=1)
            return np.asarray(theta_SP[:, amplitude, None] - theta_SP[:, exponent, None] * x_MF[:, feature])
        return np.asarray(np.log(self._levels(theta_SP, x_MF)[1]))

    def jacobian(self, theta_SP: Array, x_MF: Array) -> tuple[Array, Array]:
        """∂ln L/∂t_k is term k's share of L; ∂ln L/∂s_k is −x times that share."""
        levels, total_SM = self._levels(theta_SP, x_MF)
        j_SPM = np.zeros((len(theta_SP), theta_SP.shape[1], len(x_MF)))
        for (amplitude, exponent, feature), level in zip(self.terms, levels, strict=True):
            share_SM = level / total_SM
            j_SPM[:, amplitude] += share_SM
            if exponent is not None and feature is not None:
                j_SPM[:, exponent] -= share_SM * x_MF[:, feature]
        return np.log(total_SM), j_SPM

    def local(self, theta_SP: Array, x_MF: Array) -> Local:
        """Term k's logit is linear in theta, with gradient z_k = (1, −x): ∇f = Σ_k p_k z_k for its share p_k of L, and
        ∇²f = Σ_k p_k z_k z_kᵀ − ∇f ∇fᵀ. Sums over points are then moments of x weighted by products of shares.
        """
        levels, total_SM = self._levels(theta_SP, x_MF)
        per_SM = 1 / total_SM
        shares = [level * per_SM for level in levels]
        n_theta = theta_SP.shape[1]
        ones_M = np.ones(len(x_MF))
        # For each term the entries of theta its logit depends on, and the logit's derivatives by them, (M, 1 or 2).
        entries = [[amplitude] if exponent is None else [amplitude, exponent] for amplitude, exponent, _ in self.terms]
        slopes = [
            np.column_stack([ones_M] if feature is None else [ones_M, -x_MF[:, feature]])
            for _, _, feature in self.terms
        ]

        def gradient(v_SM: Array) -> Array:
            g_SP = np.zeros((len(theta_SP), n_theta))
            for share, where, slope in zip(shares, entries, slopes, strict=True):
                moments = (v_SM * share) @ slope
                for i, entry in enumerate(where):
                    g_SP[:, entry] += moments[:, i]
            return g_SP

        def second(b_SM: Array, v_SM: Array) -> Array:
            h_SPP = np.zeros((len(theta_SP), n_theta, n_theta))
            both_SM = b_SM + v_SM
            for k, one in enumerate(shares):
                scaled_SM = both_SM * one
                for m in range(k, len(shares)):
                    weight_SM = scaled_SM * shares[m]
                    if m == k:
                        weight_SM -= v_SM * one
                    products = (slopes[k][:, :, None] * slopes[m][:, None, :]).reshape(len(x_MF), -1)
                    moments = (weight_SM @ products).reshape(-1, len(entries[k]), len(entries[m]))
                    for i, left in enumerate(entries[k]):
                        for j, right in enumerate(entries[m]):
                            h_SPP[:, left, right] += moments[:, i, j]
                            if m != k:
                                h_SPP[:, right, left] += moments[:, i, j]
            return h_SPP

        return Local(np.log(total_SM), gradient, second)

    def uncentred(self, theta_SP: Array, x_centre_F: Array, y_centre: float) -> Array:
        """The amplitudes' logarithms in the table's own units; exponents do not change."""
        return self._shifted(theta_SP, x_centre_F, y_centre, 1.0)

    def centred(self, theta_SP: Array, x_centre_F: Array, y_centre: float) -> Array:
        """The inverse of `uncentred`."""
        return self._shifted(theta_SP, x_centre_F, y_centre, -1.0)

    def _shifted(self, theta_SP: Array, x_centre_F: Array, y_centre: float, sign: float) -> Array:
        out = np.array(theta_SP, dtype=np.float64)
        for amplitude, exponent, feature in self.terms:
            out[:, amplitude] += sign * y_centre
            if exponent is not None and feature is not None:
                out[:, amplitude] += sign * theta_SP[:, exponent] * x_centre_F[feature]
        return out


def exponentials(level_S: Array, exponent_S: Array, x_M: Array) -> Array:
    """exp(level − exponent·x) as (S, M); where the exponents lie close together, by Taylor's series.

    exp(−s x) = exp(−c x) Σ_k (s − c)^k (−x)^k / k!, c their middle, is a product of two thin matrices, several times
    quicker than S·M exponentials and as exact: it is taken until its terms are below the rounding of a double.
    """
    if len(level_S) < MANY:
        return np.asarray(np.exp(level_S[:, None] - exponent_S[:, None] * x_M))
    middle = 0.5 * (exponent_S.min() + exponent_S.max())
    reach = 0.5 * (exponent_S.max() - exponent_S.min()) * np.abs(x_M).max()
    if not reach <= 1.0:
        return np.asarray(np.exp(level_S[:, None] - exponent_S[:, None] * x_M))
    terms, size = 1, 1.0
    while size > 1e-17:
        size *= max(reach, 1e-3) / terms
        terms += 1
    left, right = np.exp(level_S), np.exp(-middle * x_M)
    lefts, rights = [left], [right]
    for k in range(1, terms):
        left = left * (exponent_S - middle)
        right = right * x_M * (-1.0 / k)
        lefts.append(left)
        rights.append(right)
    return np.asarray(np.stack(lefts, axis=1) @ np.stack(rights))


def power(x: Array | float, exponent: Array | float) -> Array:
    """x^(−exponent), for formulas as printed."""
    return np.asarray(np.asarray(x, dtype=np.float64) ** -np.asarray(exponent, dtype=np.float64))


def theta_of(params: Mapping[str, float], names: tuple[str, ...], logs: tuple[str, ...]) -> Array:
    """One row of theta from parameters: `names` in the order of theta, those in `logs` by their logarithm."""
    return np.array([[np.log(params[name]) if name in logs else params[name] for name in names]], dtype=np.float64)
