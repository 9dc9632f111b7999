"""Approach 2: at each budget of compute a parabola of ln L in ln N, then power laws through the minima.

    ln L = q0 + q1 z + q2 z²,  z = ln N − centre;  ln N_opt = centre − q1/(2 q2);  N_opt = k_N C^a,  D_opt = k_D C^b

Hoffmann et al. 2022 (2203.15556), section 3.2. A budget counts only where the parabola opens upwards, the best run has
neighbours on both sides and the minimum lies between the smallest and the largest size. D_opt is C/(k N_opt) with the
runs' own k = C/(ND) at that size, so that a + b = 1 exactly where the table's C is proportional to N·D.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.fitting import bootstrap, tables
from workbench.fitting.identification import open_exponent, short_range
from workbench.fitting.laws.base import Array
from workbench.fitting.record import Fit, NotIdentifiable

SAME_BUDGET = 0.1
"""Without a column of budgets, runs within this range of ln C, and no nearer than it to any other, share a budget."""

WINDOW = 8.0
"""Sizes further than this factor from the best are left out where four remain: a parabola is a local picture."""


@dataclass(frozen=True)
class Curve:
    """The runs of one budget, ready for a parabola."""

    budget: float
    ln_c: float
    z_M: Array
    centre: float
    y_M: Array
    ln_k_line: tuple[float, float]
    best_inside: bool
    """Whether the best run has a smaller and a larger size beside it."""
    rows: np.ndarray

    @property
    def bracketed(self) -> bool:
        """Whether the budget counts: its best run has neighbours on both sides, its parabola a minimum inside."""
        return self.best_inside and bool(np.isfinite(minima(self, self.y_M[None])[1][0]))

    @property
    def design_M3(self) -> Array:
        """Columns 1, z, z²."""
        return np.column_stack([np.ones_like(self.z_M), self.z_M, self.z_M**2])


def budgets(table: pd.DataFrame) -> pd.Series:
    """The budget of each run: its design's, or the centre of a group of runs with nearly the same C; NaN where none.

    Values of C that follow one another closely over a wide range are no budget: along such a chain the loss falls with
    C, and a parabola in N would take that for curvature.
    """
    if "budget" in table and table["budget"].notna().any():
        return table["budget"].astype(np.float64)
    ln_c = np.log(table["c"].to_numpy(dtype=np.float64))
    order = np.argsort(ln_c, kind="stable")
    group = np.cumsum(np.r_[0, np.diff(ln_c[order]) > SAME_BUDGET])
    found = pd.Series(np.nan, index=table.index)
    for number in np.unique(group):
        rows = order[group == number]
        if np.ptp(ln_c[rows]) <= SAME_BUDGET:
            found.iloc[rows] = float(np.exp(ln_c[rows].mean()))
    return found


def curves(table: pd.DataFrame, convention: str) -> list[Curve]:
    """Every budget with at least three sizes."""
    budget = budgets(table)
    found = []
    for value in sorted(budget.dropna().unique()):
        group = table[(budget == value).to_numpy()]
        ln_n = np.log(group[convention].to_numpy(dtype=np.float64))
        y = np.log(group["loss"].to_numpy(dtype=np.float64))
        best = ln_n[int(np.argmin(y))]
        near = np.abs(ln_n - best) <= np.log(WINDOW)
        if len(np.unique(ln_n[near])) < 4:
            near = np.ones(len(ln_n), dtype=bool)
        rows = np.flatnonzero((budget == value).to_numpy())[near]
        ln_n, y, group = ln_n[near], y[near], group[near]
        if len(np.unique(ln_n)) < 3:
            continue
        # C/(ND) as a line in ln N: constant where C = 6ND, and then a + b = 1 whatever the scatter of C.
        ln_c, ln_d = (np.log(group[name].to_numpy(dtype=np.float64)) for name in ("c", "d"))
        slope, level = np.polyfit(ln_n, ln_c - ln_n - ln_d, 1)
        found.append(
            Curve(
                budget=float(value),
                ln_c=float(ln_c.mean()),
                z_M=ln_n - ln_n.mean(),
                centre=float(ln_n.mean()),
                y_M=y,
                ln_k_line=(float(level), float(slope)),
                best_inside=bool(ln_n.min() < best < ln_n.max()),
                rows=rows,
            )
        )
    return found


def bracketed(table: pd.DataFrame, convention: str = "n") -> dict[float, bool]:
    """Budget → whether its optimum is bracketed, for every budget with at least three sizes."""
    return {curve.budget: curve.bracketed for curve in curves(table, convention)}


def minima(curve: Curve, y_SM: Array) -> tuple[Array, Array, Array, Array]:
    """For each row of responses: coefficients (S, 3), ln N_opt, ln D_opt, ln L_opt; NaN where there is no minimum."""
    q_S3 = y_SM @ np.linalg.pinv(curve.design_M3).T
    with np.errstate(divide="ignore", invalid="ignore"):
        z_S = np.where(q_S3[:, 2] > 0, -q_S3[:, 1] / (2 * q_S3[:, 2]), np.nan)
    z_S = np.where((z_S > curve.z_M.min()) & (z_S < curve.z_M.max()), z_S, np.nan)
    ln_n_S = z_S + curve.centre
    ln_d_S = curve.ln_c - ln_n_S - (curve.ln_k_line[0] + curve.ln_k_line[1] * ln_n_S)
    ln_l_S = q_S3[:, 0] + q_S3[:, 1] * z_S + q_S3[:, 2] * z_S**2
    return q_S3, ln_n_S, ln_d_S, ln_l_S


def lines(ln_c_B: Array, y_SB: Array) -> tuple[Array, Array]:
    """Least-squares slope and intercept of y on ln C for each row, over the budgets that are not NaN."""
    w_SB = np.isfinite(y_SB).astype(np.float64)
    y_SB = np.nan_to_num(y_SB)
    with np.errstate(divide="ignore", invalid="ignore"):
        total_S = w_SB.sum(axis=1)
        x_S, mean_S = w_SB @ ln_c_B / total_S, (w_SB * y_SB).sum(axis=1) / total_S
        dx_SB = (ln_c_B - x_S[:, None]) * w_SB
        slope_S = (dx_SB * y_SB).sum(axis=1) / (dx_SB**2).sum(axis=1)
    slope_S = np.where(total_S >= 2, slope_S, np.nan)
    return slope_S, mean_S - slope_S * x_S


def fit_isoflop(
    table: pd.DataFrame,
    convention: str = "n",
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Fit:
    """Approach 2 on the final points of a canonical table."""
    table, mixed = tables.final_points(table)
    table, dropped = tables.checked(table, (convention, "d", "c", "loss"))
    every = curves(table, convention)
    if len(every) < 2:
        stray = int(budgets(table).isna().sum())
        chained = f" {stray} of its {len(table)} runs belong to none, their C being strewn." if stray else ""
        raise NotIdentifiable(
            f"isoflop needs at least two budgets with three or more sizes each; the table has {len(every)}.{chained}"
        )
    good = [curve.bracketed for curve in every]
    if sum(good) < 2:
        raise NotIdentifiable(
            f"isoflop needs at least two budgets whose optimum is bracketed by smaller and larger sizes; "
            f"{sum(good)} of {len(every)} is: train smaller and larger models at the same budgets."
        )
    used = [curve for curve, fine in zip(every, good, strict=True) if fine]
    ln_c_B = np.array([curve.ln_c for curve in used])
    point_params, alpha_c = _power_laws(ln_c_B, used, [curve.y_M[None] for curve in used])
    fitted = [curve.design_M3 @ minima(curve, curve.y_M[None])[0][0] for curve in used]
    misses = [curve.y_M - line for curve, line in zip(used, fitted, strict=True)]
    spent = sum(len(curve.y_M) for curve in used) - 3 * len(used)
    draws, draws_alpha = _resample(ln_c_B, used, fitted, misses, spent, resamples, np.random.default_rng(seed))
    tail = bootstrap.tail(level, spent)
    order = ("a", "b", "k_N", "k_D")
    notes = [*table.attrs.get("notes", ()), *mixed, *dropped]
    if stray := int(budgets(table).isna().sum()):
        notes.append(f"{stray} of {len(table)} runs belong to no budget and are left out.")
    for curve, fine in zip(every, good, strict=True):
        if not fine:
            notes.append(f"Budget {curve.budget:.3g} FLOPs: the optimum is not bracketed from both sides; left out.")
    if len(used) < 3:
        notes.append("Two budgets determine a line exactly: the exponents have no test against a third.")
    intervals = {name: bootstrap.percentile(draws[name], tail) for name in order} if resamples else {}
    weak = [
        *short_range(pd.Series(np.exp(ln_c_B)), "the budgets span {:.2f} decades of compute"),
        *open_exponent(intervals),
    ]
    notes += weak
    if spent <= 0:
        notes.append("Three sizes a budget leave no residuals, so there are no intervals.")
    both = float(point_params["a"][0] + point_params["b"][0])
    if abs(both - 1) > 0.01:
        notes.append(f"a + b = {both:.3f}: under these counts C is not proportional to N·D over the range of sizes.")
    residuals = table.iloc[np.concatenate([curve.rows for curve in used])].copy()
    residuals["predicted"] = np.exp(np.concatenate(fitted))
    residuals["residual"] = np.concatenate(misses)
    residuals["budget"] = np.concatenate([np.full(len(curve.y_M), curve.budget) for curve in used])
    residuals.attrs = {}
    return Fit(
        law="isoflop",
        objective="log-mse",
        delta=None,
        objective_value=float(np.mean(np.concatenate(misses) ** 2)),
        n_points=len(residuals),
        params={name: float(point_params[name][0]) for name in order},
        intervals=intervals,
        level=level,
        interval_method=f"percentile bootstrap of residuals within budgets, tails as Student's, {resamples} resamples",
        convention=convention,
        conventions=tables.stated(table, convention),
        notes=tuple(notes),
        identified=len(used) >= 3 and not weak,
        derived={"alpha_C": float(alpha_c[0])},
        derived_intervals={"alpha_C": bootstrap.percentile(draws_alpha, tail)} if resamples else {},
        resamples=resamples,
        tail=tail,
        residuals=residuals.reset_index(drop=True),
        resample_params=np.column_stack([draws[name] for name in order]) if resamples else np.empty((0, 0)),
        extra={"minima": _minima_frame(every)},
    )


def _power_laws(ln_c_B: Array, used: list[Curve], ys: list[Array]) -> tuple[dict[str, Array], Array]:
    """Exponents and coefficients for each row of responses, and the slope of the frontier L_opt(C)."""
    found = [minima(curve, y_SM) for curve, y_SM in zip(used, ys, strict=True)]
    a_S, kn_S = lines(ln_c_B, np.column_stack([point[1] for point in found]))
    b_S, kd_S = lines(ln_c_B, np.column_stack([point[2] for point in found]))
    slope_S, _ = lines(ln_c_B, np.column_stack([point[3] for point in found]))
    return {"a": a_S, "b": b_S, "k_N": np.exp(kn_S), "k_D": np.exp(kd_S)}, -slope_S


def _resample(
    ln_c_B: Array,
    used: list[Curve],
    fitted: list[Array],
    misses: list[Array],
    spent: int,
    resamples: int,
    rng: np.random.Generator,
) -> tuple[dict[str, Array], Array]:
    """The power laws of resampled responses: the parabolas plus pooled residuals, widened for the freedom spent."""
    if spent <= 0:
        nothing = np.full(resamples, np.nan)
        return dict.fromkeys(("a", "b", "k_N", "k_D"), nothing), nothing
    pool = np.concatenate(misses)
    pool = pool * np.sqrt(len(pool) / spent)
    ys = [line[None] + rng.choice(pool, size=(resamples, len(line))) for line in fitted]
    return _power_laws(ln_c_B, used, ys)


def _minima_frame(every: list[Curve]) -> pd.DataFrame:
    """One row a budget: its optimum, and the parabola ln L = q0 + q1 z + q2 z² in z = ln N − centre."""
    points = [minima(curve, curve.y_M[None]) for curve in every]
    return pd.DataFrame(
        {
            "budget": [curve.budget for curve in every],
            "c": [np.exp(curve.ln_c) for curve in every],
            "n_opt": [float(np.exp(point[1][0])) for point in points],
            "d_opt": [float(np.exp(point[2][0])) for point in points],
            "loss_opt": [float(np.exp(point[3][0])) for point in points],
            "bracketed": [curve.bracketed for curve in every],
            "sizes": [len(np.unique(curve.z_M)) for curve in every],
            "centre": [curve.centre for curve in every],
            "q0": [float(point[0][0, 0]) for point in points],
            "q1": [float(point[0][0, 1]) for point in points],
            "q2": [float(point[0][0, 2]) for point in points],
        }
    )
