"""Approach 3 and its relatives: a law of single runs, fitted from many starts and resampled in one batch."""

from typing import Any

import numpy as np
import pandas as pd

from workbench.fitting import bootstrap, tables
from workbench.fitting.cost import Cost
from workbench.fitting.identification import (
    at_bound_in_resamples,
    lack_of_fit,
    levels,
    open_exponent,
    weaknesses,
)
from workbench.fitting.laws.base import Array, Law
from workbench.fitting.objectives import objective_named
from workbench.fitting.problem import Problem
from workbench.fitting.record import Fit, NotIdentifiable
from workbench.fitting.solver import Solution, minimise

AGREEMENT = 1e-6
"""Starts agree with the best when their objective is within this share of it."""

GRADIENT = 1e-6
"""At an optimum a Newton step promises less than this share of the objective."""


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
    _enough(table, law, names)
    x_MF = np.log(table[list(names)].to_numpy(dtype=np.float64))
    y_M = np.log(table["loss"].to_numpy(dtype=np.float64))
    x_centre_F, y_centre = x_MF.mean(axis=0), float(y_M.mean())
    problem = Problem(law, goal, x_MF - x_centre_F, (y_M - y_centre)[None], np.ones((1, len(y_M))))
    best_P, diagnostics = point_fit(problem)
    weak = weaknesses(table, law, problem, best_P, convention)
    params_1 = law.to_params(best_P[None], x_centre_F, y_centre)
    params = {name: float(value[0]) for name, value in params_1.items()}
    draws, method, free = _draws(table, problem, best_P, resamples, np.random.default_rng(seed))
    tail = bootstrap.tail(level, free)
    draw_params = law.to_params(draws, x_centre_F, y_centre) if resamples else {}
    derived_draws = law.derived(draw_params) if resamples else {}
    derived = {name: bootstrap.percentile(value, tail) for name, value in derived_draws.items()}
    weak = (*weak, *open_exponent(derived))
    residuals = _residuals(table, law, params, convention)
    misses_M = residuals["residual"].to_numpy(dtype=np.float64)
    misfit = lack_of_fit(table, misses_M, len(best_P))
    diagnostics["lack_of_fit"] = bool(misfit)
    doubts = (*at_bound_in_resamples(law, draws), *misfit)
    cost = Cost.of(table, convention)
    return Fit(
        law=law.name,
        objective=goal.name,
        delta=goal.delta if goal.name == "huber" else None,
        objective_value=diagnostics.pop("value"),
        n_points=len(table),
        params=params,
        intervals={name: bootstrap.percentile(value, tail) for name, value in draw_params.items()},
        level=level,
        interval_method=method,
        convention=convention,
        conventions=tables.stated(table, convention),
        notes=(
            *table.attrs.get("notes", ()),
            *said,
            *dropped,
            _agreement(diagnostics, goal.name),
            *weak,
            *doubts,
            *cost.said(law),
        ),
        identified=not weak,
        derived={name: float(value[0]) for name, value in law.derived(params_1).items()},
        derived_intervals=derived,
        resamples=resamples,
        tail=tail,
        cost=cost,
        diagnostics=diagnostics,
        residuals=residuals,
        resample_params=np.column_stack([draw_params[name] for name in params]) if resamples else np.empty((0, 0)),
    )


def _enough(table: pd.DataFrame, law: Law, names: tuple[str, ...]) -> None:
    """Refuse a table that no estimator could fit."""
    if len(table) < len(law.theta_names):
        raise NotIdentifiable(
            f"{law.name} has {len(law.theta_names)} parameters and the table {len(table)} usable rows: it needs more."
        )
    words = {"d": "number of tokens", "c": "amount of compute"}
    for name in names:
        if levels(table[name]) < 2:
            raise NotIdentifiable(
                f"all {len(table)} runs have one {words.get(name, 'size')} ({name} = {table[name].iloc[0]:g}); "
                f"{law.name} needs several."
            )


def _agreement(diagnostics: dict[str, Any], objective: str) -> str:
    """How the optimum was certified."""
    said = f"{100 * diagnostics['share_of_starts']:.0f}% of {diagnostics['starts']} starts reached the optimum"
    # Least absolute deviations end at a vertex, where no gradient vanishes.
    left = diagnostics["relative_decrease_left"]
    if objective != "lad" and not left < GRADIENT:
        return f"{said}; doubtful, for a Newton step still promises to lower it by a share of {left:.1g}."
    return said + ("." if diagnostics["share_of_starts"] >= 0.1 else ": few, so that a lower one may exist.")


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
) -> tuple[Array, str, int | None]:
    """Theta of every resample, each solved from the point estimate."""
    if not resamples:
        return np.empty((0, len(best_P))), "none asked for", None
    y_M = problem.y_SM[0]
    cluster_M = bootstrap.clusters(table)
    if bootstrap.by_case(cluster_M):
        data = bootstrap.case_resamples(y_M, cluster_M, resamples, rng)
    else:
        fitted_M = problem.law.evaluate(best_P[None], problem.x_MF)[0]
        data = bootstrap.residual_resamples(fitted_M, y_M - fitted_M, len(best_P), resamples, rng)
    batch = Problem(problem.law, problem.objective, problem.x_MF, data.y_SM, data.w_SM)
    solution = minimise(batch, np.repeat(best_P[None], resamples, axis=0))
    return solution.theta_SP, f"{data.method}, {resamples} resamples", data.free


def _residuals(table: pd.DataFrame, law: Law, params: dict[str, float], convention: str) -> pd.DataFrame:
    """One row a point, with what the law predicts there."""
    labels = ("run_id", "n", "n_non_embedding", "d", "c", "budget", "cluster", "rate_factor", "role", "loss")
    frame = table[[name for name in labels if name in table]].copy()
    inputs = {name: table[convention if name == "n" else name].to_numpy(dtype=np.float64) for name in law.columns}
    frame["predicted"] = law.predict(params, **inputs)
    frame["residual"] = np.log(frame["loss"]) - np.log(frame["predicted"])
    frame.attrs = {}
    return frame
