"""Approach 3 and its relatives: a law of single runs, fitted from many starts and resampled in one batch."""

from typing import Any

import numpy as np
import pandas as pd

from workbench.fitting import bootstrap, tables
from workbench.fitting.laws import LAWS
from workbench.fitting.laws.base import Array, Law
from workbench.fitting.objectives import Objective, objective_named
from workbench.fitting.record import CONVENTION_LABELS, Fit
from workbench.fitting.solver import Problem, Solution, minimise

AGREEMENT = 1e-6
"""Starts agree with the best when their objective is within this share of it."""


def fit_law(
    table: pd.DataFrame,
    law: Law,
    objective: str = "huber",
    delta: float = 1e-3,
    convention: str = "n",
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    said: tuple[str, ...] = (),
) -> Fit:
    """Fit `law` to every row of a canonical table; `said` are notes on how the rows were chosen."""
    goal = objective_named(objective, delta)
    names = tuple(convention if name == "n" else name for name in law.columns)
    table, dropped = tables.checked(table, (*names, "loss"))
    x_MF = np.log(table[list(names)].to_numpy(dtype=np.float64))
    y_M = np.log(table["loss"].to_numpy(dtype=np.float64))
    x_centre_F, y_centre = x_MF.mean(axis=0), float(y_M.mean())
    problem = Problem(law, goal, x_MF - x_centre_F, (y_M - y_centre)[None], np.ones((1, len(y_M))))
    best_P, diagnostics = point_fit(problem)
    params_1 = law.to_params(best_P[None], x_centre_F, y_centre)
    params = {name: float(value[0]) for name, value in params_1.items()}
    draws, method = _draws(table, problem, best_P, resamples, np.random.default_rng(seed))
    draw_params = law.to_params(draws, x_centre_F, y_centre) if resamples else {}
    derived_draws = law.derived(draw_params) if resamples else {}
    residuals = _residuals(table, law, params, convention)
    return Fit(
        law=law.name,
        objective=goal.name,
        delta=goal.delta if goal.name == "huber" else None,
        objective_value=diagnostics.pop("value"),
        n_points=len(table),
        params=params,
        intervals={name: bootstrap.percentile(value, level) for name, value in draw_params.items()},
        level=level,
        interval_method=method,
        convention=convention,
        conventions={**table.attrs.get("conventions", {}), "fitted N": CONVENTION_LABELS.get(convention, convention)},
        notes=(*table.attrs.get("notes", ()), *said, *dropped),
        derived={name: float(value[0]) for name, value in law.derived(params_1).items()},
        derived_intervals={name: bootstrap.percentile(value, level) for name, value in derived_draws.items()},
        resamples=resamples,
        diagnostics=diagnostics,
        residuals=residuals,
        resample_params=np.column_stack([draw_params[name] for name in params]) if resamples else np.empty((0, 0)),
    )


def point_fit(problem: Problem) -> tuple[Array, dict[str, Any]]:
    """The best of many starts, and how many of them agree on it."""
    solution: Solution = minimise(problem, problem.law.starts())
    best = int(np.nanargmin(solution.value_S))
    value = float(solution.value_S[best])
    agree = float((solution.value_S <= value * (1 + AGREEMENT) + 1e-18).mean())
    return solution.theta_SP[best], {
        "value": value,
        "starts": len(solution.value_S),
        "share_of_starts": agree,
        "relative_decrease_left": float(solution.gradient_S[best]),
        "theta": [float(entry) for entry in solution.theta_SP[best]],
    }


def _draws(
    table: pd.DataFrame, problem: Problem, best_P: Array, resamples: int, rng: np.random.Generator
) -> tuple[Array, str]:
    """Theta of every resample, each solved from the point estimate."""
    if not resamples:
        return np.empty((0, len(best_P))), "none asked for"
    y_M = problem.y_SM[0]
    cluster_M = table["cluster"].to_numpy() if "cluster" in table else np.arange(len(table))
    if len(np.unique(cluster_M)) >= bootstrap.CASE_FROM:
        data = bootstrap.case_resamples(y_M, cluster_M, resamples, rng)
    else:
        fitted_M = problem.law.evaluate(best_P[None], problem.x_MF)[0]
        data = bootstrap.residual_resamples(fitted_M, y_M - fitted_M, len(best_P), resamples, rng)
    batch = Problem(problem.law, problem.objective, problem.x_MF, data.y_SM, data.w_SM)
    solution = minimise(batch, np.repeat(best_P[None], resamples, axis=0))
    return solution.theta_SP, f"{data.method}, {resamples} resamples"


def _residuals(table: pd.DataFrame, law: Law, params: dict[str, float], convention: str) -> pd.DataFrame:
    """One row a point, with what the law predicts there."""
    labels = ("run_id", "n", "n_non_embedding", "d", "c", "budget", "cluster", "rate_factor", "role", "loss")
    frame = table[[name for name in labels if name in table]].copy()
    inputs = {name: table[convention if name == "n" else name].to_numpy(dtype=np.float64) for name in law.columns}
    frame["predicted"] = law.predict(params, **inputs)
    frame["residual"] = np.log(frame["loss"]) - np.log(frame["predicted"])
    frame.attrs = {}
    return frame


__all__ = ["LAWS", "Objective", "fit_law", "point_fit"]
