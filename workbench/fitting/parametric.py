"""Approach 3 and its relatives: a law of single runs, its optimum certified, its resamples solved in one batch."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from workbench.fitting import tables
from workbench.fitting.diagnostics.identification import (
    at_bound_in_resamples,
    endless,
    open_exponent,
    open_in_range,
    weaknesses,
)
from workbench.fitting.diagnostics.misfit import lack_of_fit, misfits
from workbench.fitting.diagnostics.rows import copied, outlying, poor
from workbench.fitting.diagnostics.shared import alike
from workbench.fitting.forecasts.cost import Cost
from workbench.fitting.laws.base import Law
from workbench.fitting.prepared import Prepared, prepare
from workbench.fitting.record import Fit
from workbench.fitting.solving.certify import Certificate, certify
from workbench.fitting.solving.objectives import objective_named
from workbench.fitting.uncertainty import bootstrap
from workbench.fitting.uncertainty.methods import Fitted, spread
from workbench.fitting.uncertainty.weighting import weighed

LABELS = (
    "run_id", "n", "n_non_embedding", "d", "c", "u", "group", "budget", "cluster", "rate_factor", "role", "loss_se",
)  # fmt: skip
"""What the residuals carry of a table besides the law's own columns."""

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
    intervals: str = "auto",
    fixed: Mapping[str, float] | None = None,
    noise: str = "equal",
) -> Fit:
    """Fit `law` to every row of a canonical table; `said` are notes on how the rows were chosen."""
    goal = objective_named(objective, delta)
    given = table
    prepared, weighing = weighed(prepare(table, law, goal, convention, fixed), noise)
    table, law = prepared.table, prepared.law
    certificate = certify(prepared.problem, prepared.held, prepared.start_P) if prepared.free else _given(prepared)
    best_P = certificate.basins_BP[0]
    params_1 = prepared.params(best_P[None])
    params = {name: float(value[0]) for name, value in params_1.items()}
    fitted = Fitted(prepared, best_P, certificate.rivals_BP, level)
    drawn = spread(fitted, intervals, resamples, np.random.default_rng(seed))
    resamples = len(drawn.theta_SP)
    tail = 0.0 if drawn.extremes else bootstrap.tail(level, drawn.free)
    draw_params = prepared.params(drawn.theta_SP) if resamples else {}
    derived_draws = law.derived(draw_params) if resamples else {}
    derived = {name: bootstrap.percentile(value, tail) for name, value in derived_draws.items()}
    intervals_of = {name: bootstrap.percentile(value, tail) for name, value in draw_params.items()}
    residuals = _residuals(prepared, params)
    unfit = lack_of_fit(table, residuals["residual"].to_numpy(dtype=np.float64), prepared.free, law.response)
    astray = [*misfits(fitted), *alike(fitted, drawn.method), *poor(fitted)]
    settled = prepared.settled
    weak = (
        *weaknesses(prepared, best_P, convention),
        *open_exponent(derived),
        *open_in_range(law, drawn.theta_SP, tail, settled),
        *endless(law, drawn.theta_SP, tail, intervals_of, settled),
    )
    doubts = (
        *_rivals(certificate),
        *at_bound_in_resamples(law, drawn.theta_SP, settled, drawn.extremes),
        *unfit,
        *astray,
        *outlying(fitted),
        *copied(fitted),
    )
    cost = Cost.of(table, convention)
    held = tuple(f"Held: {name} = {value:.6g}." for name, value in (fixed or {}).items())
    return Fit(
        law=law.name,
        objective=goal.name,
        delta=goal.delta if goal.name == "huber" else None,
        objective_value=prepared.published(float(certificate.values_B[0])),
        n_points=len(table),
        params=params,
        intervals=intervals_of,
        level=level,
        interval_method=drawn.method,
        convention=convention,
        conventions=tables.stated(given, convention),
        notes=(
            *given.attrs.get("notes", ()),
            *said,
            *prepared.notes,
            *weighing,
            *held,
            _certified(certificate, goal.name) if prepared.free else "Evaluated as given: no parameter was estimated.",
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
        setting=dict(law.setting),
        diagnostics={
            "certificate": certificate.to_dict(),
            "relative_decrease_left": certificate.left,
            "theta": [float(entry) for entry in best_P],
            "held": list(settled),
            "lack_of_fit": bool(unfit),
            "misfit": bool(astray),
            "free_parameters": prepared.free,
        },
        residuals=residuals,
        resample_params=np.column_stack([draw_params[name] for name in params]) if resamples else np.empty((0, 0)),
    )


def _given(prepared: Prepared) -> Certificate:
    """The law as it was given, every parameter held: there is nothing to search."""
    start_P = prepared.law.starts()[0] if prepared.start_P is None else prepared.start_P
    value_B = prepared.problem.objective.value(prepared.problem.residuals(start_P[None]), prepared.problem.w_SM)
    return Certificate(start_P[None], value_B, 0.0, "the values given", 1, 1.0, False)


def _certified(certificate: Certificate, objective: str) -> str:
    """How far the optimum is known to be the lowest."""
    basins = len(certificate.values_B)
    if certificate.dense:
        said = f"{'One optimum' if basins == 1 else f'{basins} optima'} found on {certificate.searched}"
        if basins > 1:
            said += f", the next {100 * (certificate.values_B[1] / certificate.values_B[0] - 1):.2g}% higher"
    else:
        said = f"{100 * certificate.agree:.0f}% of {certificate.searched} reached the optimum"
        said += ": few, so that a lower one may exist" if certificate.agree < 0.1 else ""
    # Least absolute deviations end at a vertex, where no gradient vanishes.
    exact = certificate.values_B[0] < 1e-20  # data without noise: a share of nothing says nothing
    if objective != "lad" and not exact and not certificate.left < GRADIENT:
        said += f"; doubtful, for a Newton step still promises to lower it by a share of {certificate.left:.1g}"
    return said + "."


def _rivals(certificate: Certificate) -> tuple[str, ...]:
    """A sentence where another basin is nearly as low."""
    many, values_B = len(certificate.rivals_BP), certificate.values_B
    if many == 1:
        return ()
    return (
        f"Resamples start from {many} basins, the second {100 * (values_B[1] / values_B[0] - 1):.2g}% above the least.",
    )


def _residuals(prepared: Prepared, params: dict[str, float]) -> pd.DataFrame:
    """One row a point, with what the law predicts there."""
    table, law = prepared.table, prepared.law
    names = dict.fromkeys((*LABELS, *law.columns, law.response))
    columns: dict[str, Any] = {name: table[name] for name in names if name in table}
    observed_M, predicted_M = table[law.response].to_numpy(dtype=np.float64), law.predict(params, **prepared.columns)
    columns["predicted"] = predicted_M
    columns["residual"] = np.log(observed_M / predicted_M) if law.log_response else observed_M - predicted_M
    weight_M = prepared.problem.w_SM[0]
    if np.ptp(weight_M) > 0:
        columns["weight"] = weight_M
    return pd.DataFrame(columns)
