"""Departures from a law's form: what check points look for, and the test that sees them.

    ln L = law + Σ_q γ_q h_q(z),    h = z_N², z_N z_D, z_D²,    z = ln N, ln D, centred and scaled to their range

The test is F for γ = 0, the law's parameters linearised at the fit: it asks what share of the residuals' squares the
h_q take away beyond what the law could. Designs that are D_s-optimal for γ make it powerful (Atkinson & Donev 1992,
"Optimum Experimental Designs"). It needs no repeated runs, as the test against pure error does.

    S  sets of residuals    M  points    P  entries of theta    Q  departures
"""

from dataclasses import dataclass

import numpy as np

from workbench.fitting.laws.base import Array


@dataclass(frozen=True)
class Departures:
    """The quadratic departures over a range of features."""

    middle_F: Array
    half_F: Array

    @classmethod
    def over(cls, x_MF: Array) -> "Departures":
        """Scaled to the range of these features."""
        low_F, high_F = x_MF.min(axis=0), x_MF.max(axis=0)
        half_F = (high_F - low_F) / 2
        return cls((low_F + high_F) / 2, np.where(half_F > 0, half_F, 1.0))

    def shapes(self, x_MF: Array) -> Array:
        """h_MQ."""
        z_MF = (x_MF - self.middle_F) / self.half_F
        n_features = z_MF.shape[1]
        pairs = [z_MF[:, i] * z_MF[:, j] for i in range(n_features) for j in range(i, n_features)]
        return np.stack(pairs, axis=1)


def p_values(j_MP: Array, shape_MQ: Array, r_SM: Array) -> Array:
    """The F test's p-value for each set of residuals; 1 where too few points are left to test."""
    from scipy.special import fdtrc

    def left(columns_MK: Array) -> tuple[Array, int]:
        basis, singular, _ = np.linalg.svd(columns_MK / np.linalg.norm(columns_MK, axis=0), full_matrices=False)
        basis = basis[:, singular > 1e-9 * singular[0]]
        return ((r_SM - (r_SM @ basis) @ basis.T) ** 2).sum(axis=1), basis.shape[1]

    law_S, n_law = left(j_MP)
    both_S, n_both = left(np.column_stack([j_MP, shape_MQ]))
    free, tested = r_SM.shape[1] - n_both, n_both - n_law
    if free < 2 or tested < 1:
        return np.ones(len(r_SM))
    ratio = np.maximum(law_S - both_S, 0) / tested / np.maximum(both_S / free, 1e-300)
    return np.asarray(fdtrc(tested, free, ratio))
