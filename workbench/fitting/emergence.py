"""Emergence: a metric that stays at chance, bends at a size N_c and saturates; its threshold with an interval.

    P(N) = floor + (ceiling − floor) · σ((ln N − ln N_c)/w)

The survey's section 9.3 puts f((N − N_c)/w) above N_c and the base below it; a sigmoid has f(0) = ½, so that curve
would jump. Here it is continuous in ln N, which is how sizes are spaced, and N_c is where half the rise is done. The
floor is fixed where chance is known. A curve that never bends, or never leaves the floor, does not determine N_c, and
the record says so (Schaeffer et al. 2023, 2304.15004: look at a continuous metric first).
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from workbench.errors import BadInput
from workbench.fitting.laws.base import Array, Law
from workbench.fitting.laws.threshold import Threshold
from workbench.fitting.record import CONVENTION_LABELS, Fit, NotIdentifiable
from workbench.fitting.solving.objectives import Objective
from workbench.fitting.solving.problem import Problem
from workbench.fitting.solving.solver import minimise
from workbench.fitting.uncertainty import bootstrap

ENDS = {
    "n": ("sizes", "the largest size", "smaller than the smallest size"),
    "n_non_embedding": ("sizes", "the largest size", "smaller than the smallest size"),
    "d": ("numbers of tokens", "the most tokens", "fewer than the fewest tokens"),
    "c": ("computes", "the largest compute", "less than the least compute"),
    "inverse_loss": ("losses", "the lowest loss", "above the highest loss"),
}
"""What a threshold may be against → what its values are called, and what lies beyond each end of them."""


def fit_threshold(
    table: pd.DataFrame, resamples: int = 1000, seed: int = 0, level: float = 0.95, convention: str = "n"
) -> Fit:
    """Fit the threshold curve to `table[n, value]`, with optional `chance` (fixes the floor), `items`, `se`, `run_id`.

    `convention` is the column that takes the place of n, a key of `ENDS`: as a metric rises with the inverse of the
    loss, the threshold there is that of 1/L. Points are weighted by the inverse variance of a proportion of `items`
    answers (1 where unknown), reweighted at the fit. Intervals redraw every run's miss as normal noise of that
    variance, scaled to what the misses show, so that the spread between seeds counts and no size is lost, and never to
    less than the answers alone bring (`se`, or that of `items`): few misses are small by chance. Rows of one `run_id`
    miss together.
    """
    if convention not in ENDS:
        raise BadInput(f"convention is '{convention}'; a threshold is one in {', '.join(ENDS)}.")
    x_M, y_M, chance, items_M, run_M = _read(table, convention)
    centre = float((x_M.min() + x_M.max()) / 2)
    law = Threshold(chance, max((x_M.max() - x_M.min()) / 2, 0.5))
    goal = Objective("log-mse", np.inf)  # squared error of the response itself: this law's response is no logarithm
    x_MF = (x_M - centre)[:, None]
    theta_P, weights_M = _reweighted(law, goal, x_MF, y_M, items_M)
    params_1 = law.to_params(theta_P[None], np.array([centre]), 0.0)
    params = {name: float(value[0]) for name, value in params_1.items()}
    fitted_M = law.evaluate(theta_P[None], x_MF)[0]
    least_M = _of_answers(table, convention, fitted_M)
    draws_SP = _draws(law, goal, x_MF, y_M, weights_M, fitted_M, theta_P, run_M, resamples, seed, least_M)
    draws = law.to_params(draws_SP, np.array([centre]), 0.0)
    tail = bootstrap.tail(level, max(len(y_M) - len(theta_P), 1))
    notes = _weaknesses(params, np.exp(x_M), y_M, convention)
    return Fit(
        law="threshold",
        objective="weighted squared error",
        delta=None,
        objective_value=float((weights_M * (y_M - fitted_M) ** 2).sum()),
        n_points=len(y_M),
        params=params,
        intervals={name: bootstrap.percentile(value, tail) for name, value in draws.items()} if resamples else {},
        level=level,
        interval_method=f"percentile bootstrap of noise between runs, tails as Student's, {resamples} resamples",
        convention=convention,
        conventions={
            "N": f"{CONVENTION_LABELS[convention]} parameters" if convention in CONVENTION_LABELS else convention,
            "floor": "fitted" if chance is None else f"fixed at chance, {chance:g}",
        },
        notes=notes,
        identified=not notes,
        resamples=resamples,
        tail=tail,
        residuals=pd.DataFrame({"n": np.exp(x_M), "value": y_M, "predicted": fitted_M, "residual": y_M - fitted_M}),
        resample_params=np.column_stack([draws[name] for name in params]) if resamples else np.empty((0, 0)),
        extra={"chance": chance},
    )


def _read(table: pd.DataFrame, convention: str) -> tuple[Array, Array, float | None, Array, np.ndarray]:
    """Ln N, the metric, chance, items per point, and the index of the point's run."""
    missing = [name for name in (convention, "value") if name not in table]
    if missing:
        raise BadInput(
            f"a threshold needs the column {missing[0]}; the table has {', '.join(map(str, table.columns))}."
        )
    table = table[table[convention].notna() & table["value"].notna()]
    n_M, y_M = (table[name].to_numpy(dtype=np.float64) for name in (convention, "value"))
    if len(n_M) == 0:
        raise BadInput("the table has no row with both a size and a value; a threshold needs measured runs.")
    if (n_M <= 0).any():
        what = "a number of parameters" if convention in CONVENTION_LABELS else "what a threshold is in"
        raise BadInput(f"{convention} is {n_M.min():g}; {what} must be positive.")
    if ((y_M < 0) | (y_M > 1)).any():
        worst = y_M[(y_M < 0) | (y_M > 1)][0]
        raise BadInput(f"value is {worst:g}; a threshold is fitted to a share between 0 and 1, such as exact match.")
    sizes = len(np.unique(n_M))
    if sizes < 4:
        raise NotIdentifiable(f"a threshold needs at least four {ENDS[convention][0]}; the table has {sizes}.")
    chance = table["chance"].dropna().unique() if "chance" in table else np.array([])
    if len(chance) > 1:
        raise BadInput(f"chance is {chance[0]:g} and {chance[1]:g}; one curve has one chance level.")
    floor = float(chance[0]) if len(chance) else None
    if floor is not None and not 0 <= floor < 1:
        raise BadInput(f"chance is {floor:g}; it must be at least 0 and below 1.")
    items_M = table["items"].fillna(1).to_numpy(dtype=np.float64) if "items" in table else np.ones(len(n_M))
    run_M = table["run_id"].to_numpy() if "run_id" in table else np.arange(len(n_M))
    return np.log(n_M), y_M, floor, items_M, np.unique(run_M, return_inverse=True)[1]


def _reweighted(law: Law, goal: Objective, x_MF: Array, y_M: Array, items_M: Array) -> tuple[Array, Array]:
    """Least squares, then three rounds with weights 1/variance of a proportion at the fitted curve (floored at 2%)."""
    weights_M = np.ones(len(y_M))
    theta_SP = law.starts()
    best_P = theta_SP[0]
    for _ in range(4):
        solution = minimise(Problem(law, goal, x_MF, y_M[None], weights_M[None]), theta_SP)
        best_P = solution.theta_SP[int(np.nanargmin(solution.value_S))]
        p_M = np.clip(law.evaluate(best_P[None], x_MF)[0], 0.02, 0.98)
        weights_M = 1 / (p_M * (1 - p_M)) * items_M / items_M.mean()
        theta_SP = np.concatenate([best_P[None], law.starts()[::6]])
    return best_P, weights_M


def _of_answers(table: pd.DataFrame, convention: str, fitted_M: Array) -> Array:
    """The variance of each point that comes of a finite number of answers; 0 where it is not known."""
    table = table[table[convention].notna() & table["value"].notna()]
    if "se" in table and table["se"].notna().all():
        return np.asarray(table["se"].to_numpy(dtype=np.float64) ** 2)
    if "items" in table and table["items"].notna().all():
        return np.asarray(fitted_M * (1 - fitted_M) / table["items"].to_numpy(dtype=np.float64))
    return np.zeros(len(fitted_M))


def _draws(
    law: Law, goal: Objective, x_MF: Array, y_M: Array, weights_M: Array, fitted_M: Array, theta_P: Array,
    run_M: np.ndarray, resamples: int, seed: int, least_M: Array,
) -> Array:  # fmt: skip
    """Theta of every resample: the fitted curve plus noise of the misses' size, shared within a run."""
    if not resamples:
        return np.empty((0, len(theta_P)))
    rng = np.random.default_rng(seed)
    spread_M = 1 / np.sqrt(weights_M)
    free = max(len(y_M) - len(theta_P), 1)
    shown = (((y_M - fitted_M) / spread_M) ** 2).sum() / free
    scale = np.sqrt(max(float(shown), float(least_M.sum() / (spread_M**2).sum())))
    noise_SM = scale * spread_M * rng.standard_normal((resamples, int(run_M.max()) + 1))[:, run_M]
    drawn_SM = np.clip(fitted_M + noise_SM, 0, 1)
    starts_SP = np.repeat(theta_P[None], resamples, axis=0)
    return minimise(Problem(law, goal, x_MF, drawn_SM, weights_M[None]), starts_SP).theta_SP


def _weaknesses(params: Mapping[str, float], n_M: Array, y_M: Array, convention: str) -> tuple[str, ...]:
    """What keeps the threshold from being determined."""
    found = []
    values, far, near = ENDS[convention]
    rise = params["ceiling"] - params["floor"]
    past = np.unique(n_M[n_M > params["N_c"]])
    below = np.unique(n_M[n_M < params["N_c"]])
    if len(past) < 1 or y_M.max() < params["floor"] + 0.5 * rise:
        found.append(f"No point lies past the bend: the threshold is beyond {far}, and its place is not determined.")
    if len(below) < 1:
        found.append(f"None of the {values} lies below the threshold: it is {near}.")
    if rise < 0.1:
        found.append(f"The metric rises by {rise:.3f} only; a threshold needs a rise to be placed on.")
    return tuple(found)


__all__ = ["Threshold", "fit_threshold"]
