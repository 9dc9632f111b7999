"""Sums of power laws, L = Σ_k exp(t_k)·x_k^(−s_k): ln L is a log-sum-exp, smooth, and linear but for the exponents."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from workbench.fitting.laws.base import Array, Law, Local, Separable

EXPONENTS = np.geomspace(0.02, 2.4, 24)
"""Exponents a certificate searches: each 23% above the one before."""


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
            level = theta_SP[:, amplitude, None]
            if exponent is not None and feature is not None:
                level = level - theta_SP[:, exponent, None] * x_MF[:, feature]
            levels.append(np.exp(level))
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
        near = self.local(theta_SP, x_MF)
        return near.f_SM, near.j_SPM

    def local(self, theta_SP: Array, x_MF: Array) -> Local:
        """With z_k the gradient of term k's logit, linear in theta: ∇²f = Σ_k share_k z_k z_kᵀ − ∇f ∇fᵀ."""
        levels, total_SM = self._levels(theta_SP, x_MF)
        per_SM = 1 / total_SM
        shares = [level * per_SM for level in levels]
        j_SPM = np.empty((len(theta_SP), theta_SP.shape[1], len(x_MF)))
        written: set[int] = set()

        def put(entry: int, values_SM: Array, factor: Array | float) -> None:
            if entry in written:
                j_SPM[:, entry] += values_SM * factor
            else:
                np.multiply(values_SM, factor, out=j_SPM[:, entry])
            written.add(entry)

        for (amplitude, exponent, feature), share in zip(self.terms, shares, strict=True):
            put(amplitude, share, 1.0)
            if exponent is not None and feature is not None:
                put(exponent, share, -x_MF[:, feature])

        def second(b_SM: Array, v_SM: Array) -> Array:
            h_SPP = (j_SPM * (b_SM + v_SM)[:, None, :]) @ j_SPM.transpose(0, 2, 1)
            for (amplitude, exponent, feature), share in zip(self.terms, shares, strict=True):
                weight = v_SM * share
                if exponent is None or feature is None:
                    h_SPP[:, amplitude, amplitude] -= weight.sum(axis=1)
                    continue
                x_M = x_MF[:, feature]
                moments_S3 = weight @ np.stack([np.ones_like(x_M), x_M, x_M * x_M], axis=1)
                h_SPP[:, amplitude, amplitude] -= moments_S3[:, 0]
                h_SPP[:, amplitude, exponent] += moments_S3[:, 1]
                h_SPP[:, exponent, amplitude] += moments_S3[:, 1]
                h_SPP[:, exponent, exponent] -= moments_S3[:, 2]
            return np.asarray(h_SPP)

        return Local(np.log(total_SM), j_SPM, second)

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


def power(x: Array | float, exponent: Array | float) -> Array:
    """x^(−exponent), for formulas as printed."""
    return np.asarray(np.asarray(x, dtype=np.float64) ** -np.asarray(exponent, dtype=np.float64))


def theta_of(params: Mapping[str, float], names: tuple[str, ...], logs: tuple[str, ...]) -> Array:
    """One row of theta from parameters: `names` in the order of theta, those in `logs` by their logarithm."""
    return np.array([[np.log(params[name]) if name in logs else params[name] for name in names]], dtype=np.float64)
