"""Approach 2: at each budget of compute a curve of loss against size, then power laws through the curves' minima.

    N_opt = k_N C^a,  D_opt = k_D C^b

Hoffmann et al. 2022 (2203.15556), section 3.2. The curve's shape is a choice, see `isoflop_curves`. A budget counts
only where its best run has neighbours on both sides and its curve a minimum between the smallest and the largest size.
D_opt is C/(k N_opt) with the runs' own k = C/(ND) at that size, so that a + b = 1 exactly where the table's C is
proportional to N·D.

A parabola is biased even without noise: D_opt by -0.3, -1.3, -2.9 and -5.1% on Hoffmann's surface where sizes reach
2, 4, 8 and 16 times either way, by -23% at 16 times where α = 3β. Its 95% intervals of N_opt at 10 times the compute
then cover 90% (Hoffmann, sizes ±8, 0.5% noise) and 2% (α = 3β). Two powers with shared exponents are exact there and
cover 94 to 97%, more where noise drowns the curves. A cubic is nearly unbiased, but its exponent spreads 1.6 to 2.7
times as much. All from docs/isoflop-bias.md, 2,000 simulated sweeps a cell.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.errors import BadInput
from workbench.fitting import tables
from workbench.fitting.diagnostics.identification import open_exponent, short_range
from workbench.fitting.isoflop.budgets import Curve, budgets, curves, sections
from workbench.fitting.isoflop.curves import SHAPES
from workbench.fitting.isoflop.minima import ORDER, Minima, best_inside, minima, power_laws, resampled_minima
from workbench.fitting.laws.base import Array
from workbench.fitting.record import Fit, NotIdentifiable
from workbench.fitting.uncertainty import bootstrap

DEFAULT_SHAPE = "two-powers"
"""Exact on every Chinchilla surface, and a spreads no more than by the parabola: docs/isoflop-bias.md."""

DRAWN = 41
"""Points at which each fitted curve is handed to a figure."""


@dataclass(frozen=True)
class Measured:
    """A table's budgets with their curves and minima."""

    every: list[Curve]
    name: str
    """The shape used."""
    found: Minima
    good_B: np.ndarray
    """Which budgets count: their optimum is bracketed."""
    notes: tuple[str, ...] = ()

    @property
    def y_M(self) -> Array:
        """ln L of all budgets' runs."""
        return np.concatenate([curve.y_M for curve in self.every])

    @property
    def free(self) -> int:
        """Degrees of freedom left by the curves."""
        return len(self.y_M) - SHAPES[self.name].count(sections(self.every))

    def frame(self) -> pd.DataFrame:
        """One row a budget: its optimum, whether it is bracketed, how many sizes, and how sharp the minimum is."""
        return pd.DataFrame(
            {
                "budget": [curve.budget for curve in self.every],
                "c": [np.exp(curve.ln_c) for curve in self.every],
                "n_opt": np.exp(self.found.ln_n_SB[0]),
                "d_opt": np.exp(self.found.ln_d_SB[0]),
                "loss_opt": np.exp(self.found.ln_l_SB[0]),
                "bracketed": self.good_B,
                "sizes": [len(np.unique(curve.z_M)) for curve in self.every],
                "curvature": np.where(np.isfinite(self.found.ln_n_SB[0]), self.found.bend_SB[0], np.nan),
            }
        )

    def drawn(self) -> pd.DataFrame:
        """The fitted curves, for figures: budget, n, loss."""
        frames = []
        for curve, curve_K in zip(self.every, self.found.curve_SBK[0], strict=True):
            z = np.linspace(curve.z_M.min(), curve.z_M.max(), DRAWN)
            loss = np.exp(SHAPES[self.name].ln_loss(curve_K, z))
            frames.append(pd.DataFrame({"budget": curve.budget, "n": np.exp(z + curve.centre), "loss": loss}))
        return pd.concat(frames, ignore_index=True)


def measure(table: pd.DataFrame, convention: str = "n", shape: str = DEFAULT_SHAPE) -> Measured:
    """The curves of a checked table of final points, in the shape asked for, or parabolas where that is too rich."""
    if shape not in SHAPES:
        raise BadInput(f"shape is '{shape}'; an isoFLOP curve must be one of {', '.join(SHAPES)}.")
    notes: tuple[str, ...] = ()
    every = curves(table, convention, SHAPES[shape].window)
    if every and sum(len(curve.z_M) for curve in every) <= SHAPES[shape].count(sections(every)):
        notes = (f"The curves are parabolas: these runs are no more than the numbers that {shape} would take.",)
        shape = "parabola"
        every = curves(table, convention, SHAPES[shape].window)
    if not every:
        none = np.empty((1, 0))
        return Measured([], shape, Minima(none, none, none, none, none[:, :, None], none), np.empty(0, bool))
    y_1M = np.concatenate([curve.y_M for curve in every])[None]
    found = minima(every, SHAPES[shape], y_1M)
    return Measured(every, shape, found, best_inside(every, y_1M)[0] & np.isfinite(found.ln_n_SB[0]), notes)


def bracketed(table: pd.DataFrame, convention: str = "n") -> dict[float, bool]:
    """Budget → whether its optimum is bracketed, for every budget with at least three sizes."""
    found = measure(table, convention)
    return {curve.budget: bool(good) for curve, good in zip(found.every, found.good_B, strict=True)}


def fit_isoflop(
    table: pd.DataFrame,
    convention: str = "n",
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    shape: str = DEFAULT_SHAPE,
) -> Fit:
    """Approach 2 on the final points of a canonical table."""
    table, mixed = tables.final_points(table)
    table, dropped = tables.checked(table, (convention, "d", "c", "loss"), "isoflop")
    measured = measure(table, convention, shape)
    _refuse(measured, table)
    every, good_B = measured.every, measured.good_B
    ln_c_B = np.array([curve.ln_c for curve in every])
    point = power_laws(ln_c_B, measured.found.counting(good_B))
    draws: dict[str, Array] = {}
    others: Minima | None = None
    if resamples:
        row = (measured.y_M[None], measured.found, good_B[None], resamples, np.random.default_rng(seed))
        others = resampled_minima(every, SHAPES[measured.name], *row)
        none = dict.fromkeys((*ORDER, "alpha_C"), np.full(resamples, np.nan))
        draws = none if others is None else power_laws(ln_c_B, others)
    tail = bootstrap.tail(level, measured.free)
    optima = measured.frame()
    if others is not None:
        for name, ln_RB in (("n_opt", others.ln_n_SB), ("d_opt", others.ln_d_SB)):
            ends = [bootstrap.percentile(np.exp(ln_R), tail) for ln_R in ln_RB.T]
            optima[f"{name}_low"], optima[f"{name}_high"] = np.array(ends).T
    intervals = {name: bootstrap.percentile(values, tail) for name, values in draws.items()}
    alpha_c = {name: intervals.pop(name) for name in ("alpha_C",) if name in intervals}
    weak = [
        *short_range(pd.Series(np.exp(ln_c_B[good_B])), "the budgets span {:.2f} decades of compute"),
        *open_exponent(intervals),
    ]
    residuals = table.iloc[np.concatenate([curve.rows for curve in every])].copy()
    residuals["predicted"] = np.exp(measured.found.fitted_SM[0])
    residuals["residual"] = measured.y_M - measured.found.fitted_SM[0]
    residuals["budget"] = np.repeat([curve.budget for curve in every], [len(curve.y_M) for curve in every])
    residuals.attrs = {}
    return Fit(
        law="isoflop",
        objective="log-mse",
        delta=None,
        objective_value=float(np.mean(residuals["residual"] ** 2)),
        n_points=len(residuals),
        params={name: float(point[name][0]) for name in ORDER},
        intervals=intervals,
        level=level,
        interval_method=f"percentile bootstrap of residuals within budgets, tails as Student's, {resamples} resamples",
        convention=convention,
        conventions=tables.stated(table, convention),
        notes=(
            *table.attrs.get("notes", ()),
            *mixed,
            *dropped,
            *measured.notes,
            *_notes(measured, table, float(point["a"][0] + point["b"][0])),
            *weak,
        ),
        identified=int(good_B.sum()) >= 3 and not weak,
        derived={"alpha_C": float(point["alpha_C"][0])},
        derived_intervals=alpha_c,
        resamples=resamples,
        tail=tail,
        diagnostics={
            "shape": measured.name,
            "curve": SHAPES[measured.name].shared(measured.found.curve_SBK[0, 0]),
        },
        residuals=residuals.reset_index(drop=True),
        resample_params=np.column_stack([draws[name] for name in ORDER]) if resamples else np.empty((0, 0)),
        extra={"minima": optima, "curves": measured.drawn()},
    )


def _refuse(measured: Measured, table: pd.DataFrame) -> None:
    """Say what is missing where two budgets do not count."""
    every, good = measured.every, int(measured.good_B.sum())
    if len(every) < 2:
        stray = int(budgets(table).isna().sum())
        chained = f" {stray} of its {len(table)} runs belong to none, their C being strewn." if stray else ""
        raise NotIdentifiable(
            f"isoflop needs at least two budgets with three or more sizes each; the table has {len(every)}.{chained}"
        )
    if good < 2:
        raise NotIdentifiable(
            f"isoflop needs at least two budgets whose optimum is bracketed by smaller and larger sizes; "
            f"{good} of {len(every)} is: train smaller and larger models at the same budgets."
        )


def _notes(measured: Measured, table: pd.DataFrame, both: float) -> list[str]:
    """What a reader must know of the budgets."""
    notes = []
    if stray := int(budgets(table).isna().sum()):
        notes.append(f"{stray} of {len(table)} runs belong to no budget and are left out.")
    for curve, good in zip(measured.every, measured.good_B, strict=True):
        if not good:
            notes.append(
                f"Budget {curve.budget:.3g} FLOPs: the optimum is not bracketed from both sides; it is left out."
            )
    if measured.good_B.sum() < 3:
        notes.append("Two budgets determine a line exactly: the exponents have no test against a third.")
    if measured.free <= 0:
        notes.append(
            "The curves take as many numbers as there are runs, leave no residuals, so there are no intervals."
        )
    if abs(both - 1) > 0.01:
        notes.append(f"a + b = {both:.3f}: under these counts C is not proportional to N·D over the range of sizes.")
    return notes
