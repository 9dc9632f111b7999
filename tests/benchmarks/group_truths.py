"""Two groups of runs to simulate, whose compute for the same loss is known: the second needs `times` the first's."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.fitting.tables.canonical import canonical

E, A, B, ALPHA, BETA = 1.7, 60.0, 300.0, 0.35, 0.37
GROUPS = ("a", "b")


@dataclass(frozen=True)
class Truth:
    """A design, the law of both groups, and their errors."""

    times: float = 0.8
    """Compute of b over that of a, at every loss while α and E are the same."""
    uneven: float = 1.0
    """Factor on A of b beyond one multiplier, B being so much smaller that `times` stays: N_opt differs."""
    alpha: float = ALPHA
    """Exponent of size of b."""
    floor: float = E
    """Irreducible loss of b."""
    noise: float = 0.005
    """Standard deviation of ln L."""
    by_size: bool = False
    """Whether half of the variance is one error for all runs of a size of a group."""
    shared: float = 0.0
    """Correlation of the errors of both groups at the same N and D."""
    shifted: bool = False
    """Whether b was trained at other sizes than a."""
    budgets: int = 5
    sizes: int = 5

    def design(self, group: str) -> pd.DataFrame:
        """Budgets over two decades × sizes over a factor of 12 around each optimum, one ladder of sizes for all."""
        step = 12 ** (1 / (self.sizes - 1))
        rows = []
        for c in np.geomspace(1e11, 1e13, self.budgets):
            best = (ALPHA * A / (BETA * B)) ** (1 / (ALPHA + BETA)) * (c / 6) ** (BETA / (ALPHA + BETA))
            first = np.round(np.log(best) / np.log(step) - (self.sizes - 1) / 2)
            first += 0.4 if self.shifted and group == "b" else 0.0
            rows += [(c, step ** (first + k)) for k in range(self.sizes)]
        table = pd.DataFrame(rows, columns=["c", "n"])
        return table.assign(d=table["c"] / 6 / table["n"], budget=table["c"], group=group)

    def loss(self, table: pd.DataFrame, group: str) -> np.ndarray:
        """Without noise."""
        n, d = table["n"].to_numpy(), table["d"].to_numpy()
        if group == "a":
            return np.asarray(E + A / n**ALPHA + B / d**BETA)
        factor = self.times ** (ALPHA * BETA / (ALPHA + BETA))
        size = A * factor * self.uneven
        # At another exponent the term of size is the same at the middle of the design.
        middle = float(np.exp(np.log(n).mean()))
        size *= middle ** (self.alpha - ALPHA)
        return np.asarray(self.floor + size / n**self.alpha + B * factor * self.uneven ** (-BETA / ALPHA) / d**BETA)

    def draw(self, rng: np.random.Generator) -> pd.DataFrame:
        """A canonical table of both groups."""
        tables: list[pd.DataFrame] = []
        errors: dict[str, np.ndarray] = {}
        for group in GROUPS:
            table = self.design(group)
            error = rng.standard_normal(len(table))
            if group == "b":
                error = self.shared * errors["a"] + np.sqrt(1 - self.shared**2) * error
            errors[group] = error
            if self.by_size:
                _, code = np.unique(table["n"].round(6), return_inverse=True)
                error = np.sqrt(0.5) * (error + rng.standard_normal(int(code.max()) + 1)[code])
            tables.append(table.assign(loss=self.loss(table, group) * np.exp(self.noise * error)))
        found = canonical(pd.concat(tables, ignore_index=True))
        return found

    def times_at(self, loss: float) -> float:
        """The truth at a loss, by brute force where E or α differ."""
        if self.alpha == ALPHA and self.floor == E:
            return self.times
        return float(self._compute("b", loss) / self._compute("a", loss))

    def _compute(self, group: str, loss: float) -> float:
        c = np.geomspace(1e10, 1e15, 301)
        table = pd.DataFrame({"n": np.geomspace(1e2, 1e8, 801)})
        least = np.array([self._least(group, one, table) for one in c])
        return float(np.exp(np.interp(-loss, -least, np.log(c))))

    def _least(self, group: str, c: float, table: pd.DataFrame) -> float:
        return float(self.loss(table.assign(d=c / 6 / table["n"]), group).min())
