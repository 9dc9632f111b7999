"""The profile of a quantity as a curve: how much worse the best fit becomes when the quantity is held elsewhere.

At each of several values on either side of the estimate the objective is minimised over everything else, with the
penalty of `profile`; the statistic 2(ρ − ρ̂)/unit there is what `profile` holds against F with 1 and M − P degrees of
freedom. A parabola is a quantity that the runs determine; a curve that stays below the line on one side, one they leave
open on that side.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from workbench.errors import BadInput
from workbench.fitting.diagnostics.diagnosis import refitted
from workbench.fitting.laws.base import Array
from workbench.fitting.record import Fit
from workbench.fitting.solving.problem import Penalty, Problem
from workbench.fitting.solving.solver import minimise
from workbench.fitting.uncertainty import profile
from workbench.fitting.uncertainty.fitted import Fitted

REACH = 1.5
"""How far the curve is followed: to this many times the root of the statistic at the interval's end."""

STEPS = 8
"""Steps on either side where the profile is a parabola; where it is flatter the steps grow, up to twice as many."""

STRETCH = 2.0
"""A step grows at most by this factor over the one before it."""

FAR = np.log(1e3)
"""A positive parameter is followed over three decades on either side, and no further."""


@dataclass(frozen=True)
class Traced:
    """The curves, and the line that they are held against."""

    curves: pd.DataFrame
    """name, value, statistic; sorted; the estimate itself at 0."""
    limit: float
    """The quantile of F at the fit's level: values whose statistic is above are rejected."""
    level: float

    def ends(self, name: str) -> tuple[float, float]:
        """Where the curve of a quantity crosses the line, interpolated; NaN on a side where it does not."""
        rows = self.curves[self.curves["name"] == name]
        value, root = rows["value"].to_numpy(float), np.sqrt(rows["statistic"].to_numpy(float))
        least = int(root.argmin())
        return (
            _crossing(value[: least + 1][::-1], root[: least + 1][::-1], float(np.sqrt(self.limit))),
            _crossing(value[least:], root[least:], float(np.sqrt(self.limit))),
        )


def _crossing(value: np.ndarray, root: np.ndarray, limit: float) -> float:
    """The first value, walking outwards, at which the root passes the limit."""
    over = np.flatnonzero(root >= limit)
    if not len(over) or over[0] == 0:
        return float("nan")
    i = int(over[0])
    return float(np.interp(limit, root[i - 1 : i + 1], value[i - 1 : i + 1]))


def trace(fit: Fit, steps: int = STEPS) -> Traced:
    """The profile of each parameter of a fit, and of what is derived from them."""
    fitted = refitted(fit)
    if fitted.free < 1 or float((fitted.miss_M**2).max()) < 1e-24:
        raise BadInput(f"{fit.law} leaves no residuals at these {fit.n_points} runs: there is nothing to profile.")
    # b is 1 − a: its curve would be a's mirror image.
    names = [*fit.params, *(name for name in fit.derived if not (name == "b" and "a" in fit.derived))]
    with np.errstate(all="ignore"):  # far out a function may overflow: its curve ends there
        known = profile.named(fitted)
        functions = {n: known[n] for n in names if n in known and profile.moves(fitted, known[n])}
        if not functions:
            raise BadInput(f"{fit.law} does not move with its parameters at these runs: there is nothing to profile.")
        rows = _walked(fitted, functions, steps)
    frame = pd.DataFrame(rows, columns=["name", "value", "statistic"])
    frame["name"] = pd.Categorical(frame["name"], [n for n in names if n in functions], ordered=True)
    frame = frame[np.isfinite(frame["value"]) & np.isfinite(frame["statistic"])]
    # What rests at a bound does not move, and has no curve.
    frame = frame[frame.groupby("name", observed=True)["statistic"].transform("max") > 1e-3]
    frame = frame.sort_values(["name", "value"], ignore_index=True).astype({"name": str})
    return Traced(frame, profile.quantile(fitted) ** 2, fit.level)


def _walked(fitted: Fitted, functions: dict[str, profile.Function], steps: int) -> list[tuple[str, float, float]]:
    """Every side of every function walked outwards together, one batch a step: (name, value, statistic)."""
    names, ends = list(functions), list(functions.values())
    which_S, sign_S = np.repeat(np.arange(len(ends)), 2), np.tile([-1.0, 1.0], len(ends))
    metric, wanted = profile.Metric.of(fitted), REACH * profile.quantile(fitted)
    start_S, error_S, step_SP = profile.starts([fitted], [metric], ends)
    own = fitted.prepared.problem
    batch = Problem(own.law, own.objective, own.x_MF, own.y_SM, fitted.weight_M[None])
    best_SP = np.repeat(fitted.best_P[None], len(which_S), axis=0)
    least = float(profile.total(batch, fitted.best_P[None])[0])
    theta_SP = best_SP + (sign_S * wanted / steps)[:, None] * step_SP
    length_S, stride_S, root_S = np.zeros(len(which_S)), np.full(len(which_S), wanted / steps), np.zeros(len(which_S))
    found = [(name, _value(fitted, name, fitted.best_P), 0.0) for name in names]
    walking_S = np.arange(len(which_S))
    for _ in range(2 * steps):
        length_S[walking_S] += stride_S[walking_S]
        target_S = start_S + sign_S * length_S * error_S * (1 + profile.STIFF) / profile.STIFF
        stiff_S = profile.STIFF * metric.unit / error_S**2
        part = Penalty(profile.evaluator(ends), which_S, target_S, stiff_S).rows(walking_S)
        pulled = minimise(
            replace(batch, penalty=part), theta_SP[walking_S], held=fitted.prepared.held, tolerance=1e-9, near=True
        )
        moved_SP = pulled.theta_SP - theta_SP[walking_S]
        theta_SP[walking_S] = pulled.theta_SP
        above_S = profile.total(batch, pulled.theta_SP) - least
        reached_S = np.sqrt(np.maximum(2 * above_S / metric.unit, 0.0))
        found += [
            (names[which_S[s]], _value(fitted, names[which_S[s]], theta_SP[s]), float(root**2))
            for s, root in zip(walking_S, reached_S, strict=True)
        ]
        gained_S = np.maximum(reached_S - root_S[walking_S], 1e-9)
        stride_S[walking_S] *= np.clip(wanted / steps / gained_S, 0.5, STRETCH)
        root_S[walking_S] = reached_S
        off_S = np.abs([ends[which_S[s]](theta_SP[s][None])[0] - start_S[s] for s in walking_S])
        going = (reached_S < wanted) & (off_S < FAR) & (np.abs(moved_SP).max(axis=1) > 1e-9)
        walking_S = walking_S[going]
        if not len(walking_S):
            break
    return found


def _value(fitted: Fitted, name: str, theta_P: Array) -> float:
    """A parameter, or what is derived from them, at a theta."""
    params = fitted.prepared.params(theta_P[None])
    return float({**params, **fitted.prepared.law.derived(params)}[name][0])
