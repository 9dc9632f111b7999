"""What a size costs: C = k N^(1+κ) D around the largest compute, so that forecasts need no 6ND.

Exact FLOPs per parameter and token are 6 for large models; a small one pays besides for attention over its context and,
where embeddings are not counted in N, for its output layer, and the less so the larger it is: κ < 0. The optimum then
lies at a larger N than κ = 0 would have it, by 10 to 20% in a sweep of models of 10⁴ to 10⁶ parameters.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.fitting.laws.base import Array, Law

TOP = 1.5
"""The runs within this factor of the largest compute tell k and κ: nearest to where forecasts are asked for."""

TILTED = 0.02
"""|κ| from which the notes say that C is not proportional to N·D."""


@dataclass(frozen=True)
class Cost:
    """C = k N^(1+tilt) D."""

    k: float = 6.0
    tilt: float = 0.0

    @classmethod
    def of(cls, table: pd.DataFrame, convention: str) -> "Cost":
        """Least squares of ln(C/ND) on ln N over the runs of the largest compute; 6ND without a C."""
        if not {convention, "d", "c"} <= set(table):
            return cls()
        ln_n, ln_d, ln_c = np.log([table[name].to_numpy(dtype=np.float64) for name in (convention, "d", "c")])
        known = ~np.isnan(ln_n + ln_d + ln_c)
        if not known.any():
            return cls()
        top = known & (ln_c >= ln_c[known].max() - np.log(TOP))
        ln_n, ln_k = ln_n[top], (ln_c - ln_n - ln_d)[top]
        if len(np.unique(ln_n)) < 3:
            return cls(float(np.exp(ln_k.mean())))
        tilt, level = np.polyfit(ln_n, ln_k, 1)
        if abs(tilt) < 1e-6:
            return cls(float(np.exp(ln_k.mean())))
        return cls(float(np.exp(level)), float(tilt))

    def flops(self, n: float, d: float) -> float:
        """C of one run."""
        return float(self.k * n ** (1 + self.tilt) * d)

    def tokens(self, n: float, flops: float) -> float:
        """D of size N at C."""
        return float(flops / (self.k * n ** (1 + self.tilt)))

    def size(self, d: float, flops: float) -> float:
        """N that C trains on D tokens."""
        return float((flops / (self.k * d)) ** (1 / (1 + self.tilt)))

    def optimum(self, law: Law, params: Mapping[str, Array], flops: float | Array) -> tuple[Array, Array]:
        """N and D that minimise A/N^α + B/D^β at this cost, for each row of parameters.

        With D = (C/k) N^−(1+κ) the derivative in ln N vanishes where αA N^−α = (1+κ) βB D^−β; with κ = 0 this is
        Hoffmann et al. 2022 (2203.15556), eq. 4.
        """
        ln_size, alpha, ln_data, beta = law.balance(params)
        steep = 1 + self.tilt
        ln_c = np.log(flops / self.k)
        total = alpha + beta * steep
        ln_n = (np.log(alpha / (beta * steep)) + ln_size - ln_data + beta * ln_c) / total
        return np.exp(ln_n), np.exp(ln_c - steep * ln_n)

    def said(self, law: Law) -> tuple[str, ...]:
        """A note where C is not proportional to N·D and the law forecasts an optimum."""
        if abs(self.tilt) < TILTED or not law.allocates:
            return ()
        return (
            f"At the largest compute C grows as N^{1 + self.tilt:.3f}·D, not as N·D. Forecasts follow that; a and b "
            "are those of C ∝ N·D, as published ones are.",
        )
