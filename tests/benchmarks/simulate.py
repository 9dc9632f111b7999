"""Sweeps to simulate: designs, noises, truths right and wrong, and the numbers whose intervals are scored.

Sizes and tokens come from a published surface (`isoflop_truths.SURFACES`) or from the quickstart's own runs; C = 6ND
but for the quickstart's. All simulations of a cell share one design, so that they are rows of one batch.
"""

from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np
import pandas as pd

from tests.benchmarks.isoflop_truths import SURFACES, Quickstart
from workbench.fitting import LAWS
from workbench.fitting.forecasts.cost import Cost
from workbench.fitting.laws.base import Array
from workbench.fitting.prepared import Prepared, prepare
from workbench.fitting.solving.objectives import objective_named
from workbench.fitting.tables.canonical import canonical

MULTIPLES = (10, 100, 1000)
"""Of the largest compute: where loss and N_opt are forecast."""

NAMES = ("E", "A", "B", "alpha", "beta")
TARGETS = ("E", "alpha", "beta", "a", *(f"{letter} {m}x" for letter in ("L", "N") for m in MULTIPLES))
"""What is scored: parameters, ln of the loss at the optimum, ln N_opt."""


@cache
def quickstart() -> Quickstart:
    """The quickstart's own runs."""
    return Quickstart.read()


def params_of(surface: str) -> dict[str, float]:
    """E, A, B, α, β of a surface."""
    if surface == "quickstart":
        return {name: float(quickstart().params[name]) for name in NAMES}
    return dict(zip(NAMES, SURFACES[surface], strict=True))


def optimum(surface: str, c: Array) -> Array:
    """N_opt at C = 6ND."""
    p = params_of(surface)
    total = p["alpha"] + p["beta"]
    return (p["alpha"] * p["A"] / (p["beta"] * p["B"])) ** (1 / total) * (c / 6) ** (p["beta"] / total)


def _isoflop(surface: str, budgets: int, sizes: int) -> pd.DataFrame:
    """Budgets over two decades × sizes over a factor of 20 around each optimum; sizes from one ladder, as trained."""
    c_B = np.geomspace(1e18, 1e20, budgets)
    step = 20 ** (1 / (sizes - 1))
    rows = []
    for c in c_B:
        first = np.round(np.log(optimum(surface, c)) / np.log(step) - (sizes - 1) / 2)
        rows += [(c, step ** (first + k)) for k in range(sizes)]
    table = pd.DataFrame(rows, columns=["c", "n"])
    return table.assign(budget=table["c"], d=table["c"] / 6 / table["n"])


def _grid(sizes: int, horizons: int) -> pd.DataFrame:
    """Sizes × tokens."""
    pairs = [(n, d) for n in np.geomspace(3e7, 1e9, sizes) for d in np.geomspace(5e8, 2e10, horizons)]
    table = pd.DataFrame(pairs, columns=["n", "d"])
    return table.assign(c=6 * table["n"] * table["d"])


def _cloud(surface: str) -> pd.DataFrame:
    """240 runs strewn over sizes and compute as Hoffmann's are: nine budgets of which each run misses some."""
    rng = np.random.default_rng(0)
    c_M = np.geomspace(6e18, 3e21, 9)[rng.integers(0, 9, 240)] * np.exp(rng.normal(0, 0.3, 240))
    n_M = optimum(surface, c_M) * np.exp(rng.uniform(-np.log(8), np.log(8), 240))
    return pd.DataFrame({"c": c_M, "n": n_M, "d": c_M / 6 / n_M})


def _layout(design: str, surface: str) -> pd.DataFrame:
    if design == "quickstart":
        return quickstart().runs.copy()
    if design == "grid 6×5":
        return _grid(6, 5)
    if design == "cloud 240":
        return _cloud(surface)
    budgets, sizes = (int(part) for part in design.split()[1].split("×"))
    table = _isoflop(surface, budgets, sizes)
    if design.endswith("two seeds"):
        table["cluster"] = [f"c{i}" for i in range(len(table))]
        return pd.concat([table, table], ignore_index=True)
    return table


@dataclass(frozen=True)
class Scene:
    """One cell: a design, a surface, a noise, and what is wrong, if anything is."""

    design: str
    surface: str
    noise: str
    wrong: str = ""

    @property
    def name(self) -> str:
        """For a row of a table."""
        return ", ".join(part for part in (self.design, self.surface, self.noise, self.wrong) if part)

    @cached_property
    def table(self) -> pd.DataFrame:
        """The design with the loss the truth gives."""
        table = _layout(self.design, self.surface)
        true = LAWS["chinchilla"].predict(params_of(self.surface), n=table["n"].to_numpy(), d=table["d"].to_numpy())
        table["loss"] = spoiled(self, table, np.asarray(true))
        if self.wrong == "N + 10%":
            # Every count of N has the same number of embeddings in it that the law does not have.
            table["n"] = table["n"] + 0.1 * table["n"].median()
        return canonical(table)

    @cached_property
    def prepared(self) -> Prepared:
        """The noise-free problem; a simulation replaces its responses."""
        return prepare(self.table, LAWS["chinchilla"], objective_named("huber", 1e-3), "n")

    @cached_property
    def cost(self) -> Cost:
        """C as a function of N and D, as a fit reads it off the table."""
        return Cost.of(self.table, "n")

    def draw(self, many: int, rng: np.random.Generator) -> Array:
        """Responses of `many` sweeps, (many, M), in the solver's terms."""
        return np.asarray(self.prepared.problem.y_SM + errors(self, many, rng))

    def fitted_to(self, y_M: Array) -> Prepared:
        """The problem with one sweep's responses, and its losses in the table."""
        problem = replace(self.prepared.problem, y_SM=y_M[None])
        table = self.prepared.table.assign(loss=np.exp(y_M + self.prepared.y_centre))
        return replace(self.prepared, problem=problem, table=table)

    def targets(self, theta_SP: Array) -> Array:
        """(targets, S): what each theta says of them."""
        return self._of(self.prepared.params(theta_SP))

    @cached_property
    def truth(self) -> Array:
        """(targets,)."""
        return self._of({name: np.array([value]) for name, value in params_of(self.surface).items()})[:, 0]

    def _of(self, params: dict[str, Array]) -> Array:
        law = LAWS["chinchilla"]
        total = params["alpha"] + params["beta"]
        rows = [params["E"], params["alpha"], params["beta"], params["beta"] / total]
        sizes = []
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for multiple in MULTIPLES:
                n, d = self.cost.optimum(law, params, float(self.table["c"].max()) * multiple)
                sizes.append(np.log(n))
                rows.append(np.log(law.predict(params, n=n, d=d)))
        return np.stack([*rows, *sizes])


def errors(scene: Scene, many: int, rng: np.random.Generator) -> Array:
    """Errors of ln L, (many, M)."""
    table = scene.table
    shape = (many, len(table))
    if scene.noise.startswith("normal"):
        return float(scene.noise.split()[1].rstrip("%")) / 100 * rng.standard_normal(shape)
    if scene.noise == "t3 0.5%":
        return 0.005 / np.sqrt(3) * rng.standard_t(3, shape)
    if scene.noise == "by size 0.5%":
        # Half of the variance is one error for all runs of a size.
        _, size_M = np.unique(table["n"].to_numpy(), return_inverse=True)
        shared = rng.standard_normal((many, int(size_M.max()) + 1))[:, size_M]
        return 0.005 * np.sqrt(0.5) * (shared + rng.standard_normal(shape))
    if scene.noise == "by configuration 0.5%":
        _, code_M = np.unique(table["cluster"], return_inverse=True)
        shared = rng.standard_normal((many, int(code_M.max()) + 1))[:, code_M]
        return 0.005 * np.sqrt(0.5) * (shared + rng.standard_normal(shape))
    if scene.noise == "1% to 0.25%":
        # ln σ falls linearly in ln C, from 1% at the smallest compute to 0.25% at the largest.
        x_M = np.log(table["c"].to_numpy())
        share_M = (x_M - x_M.min()) / np.ptp(x_M)
        return 0.01 * 0.25**share_M * rng.standard_normal(shape)
    raise ValueError(scene.noise)


def spoiled(scene: Scene, table: pd.DataFrame, loss_M: Array) -> Array:
    """The loss where the law is wrong."""
    if scene.wrong in ("", "N + 10%"):
        return loss_M
    if scene.wrong == "rate mistuned":
        # The largest third of the sizes lose 2%.
        return loss_M * np.where(table["n"] >= table["n"].quantile(2 / 3), 1.02, 1.0)
    if scene.wrong == "broken":
        # Beyond the middle of the compute the reducible loss falls more slowly, by C^0.045, the bend smooth.
        floor = params_of(scene.surface)["E"]
        x_M = np.log(table["c"].to_numpy() / np.exp(np.log(table["c"]).mean()))
        bend_M = 0.3 * np.logaddexp(0, 4 * x_M) / 4
        return floor + (loss_M - floor) * np.exp(0.15 * bend_M)
    raise ValueError(scene.wrong)
