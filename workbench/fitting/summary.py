"""A fit as a page of text, laid out as statsmodels does: what was fitted and how, the coefficients, the residuals."""

import math
import textwrap
from typing import TYPE_CHECKING

import numpy as np

from workbench.fitting.determined import UNDETERMINED
from workbench.fitting.laws import LAWS

if TYPE_CHECKING:
    from workbench.fitting.record import Fit

WIDTH = 100


def summary(fit: "Fit") -> str:
    """The page."""
    rule, thin = "=" * WIDTH, "-" * WIDTH
    lines = [_title(fit).center(WIDTH).rstrip(), rule, *_head(fit), thin, *_coefficients(fit), rule]
    found = diagnostics(fit)
    if found:
        lines += [*_pairs(found), thin]
    lines += [f"{name}: {text}" for name, text in fit.conventions.items()]
    lines += [_wrapped(f"note: {note}") for note in fit.notes]
    return "\n".join(lines)


def _wrapped(text: str) -> str:
    """A paragraph as wide as the page."""
    return textwrap.fill(text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def standard_errors(fit: "Fit") -> dict[str, float]:
    """Half the middle 68% of the draws of each parameter and each derived quantity; NaN without draws.

    Of a profile, whose points are the edge of a region, half the interval over Student's quantile.
    """
    names = (*fit.params, *fit.derived)
    if not fit.resamples:
        return dict.fromkeys(names, math.nan)
    if fit.cut == 0:
        from scipy.special import stdtrit

        quantile = float(stdtrit(max(fit.n_points - _estimated(fit), 1), (1 + fit.level) / 2))
        ends = {**fit.intervals, **fit.derived_intervals}
        none = (math.nan, math.nan)
        return {name: (ends.get(name, none)[1] - ends.get(name, none)[0]) / (2 * quantile) for name in names}
    draws = fit.draws()
    with np.errstate(all="ignore"):
        if fit.law in LAWS:
            draws = {**draws, **fit.configured_law.derived(draws)}
        return {name: _spread(draws[name]) if name in draws else math.nan for name in names}


def diagnostics(fit: "Fit") -> list[tuple[str, str]]:
    """What the residuals say, as names and values."""
    if fit.residuals.empty or "residual" not in fit.residuals:
        return []
    r_M = fit.residuals["residual"].to_numpy(dtype=np.float64)
    r_M = r_M[np.isfinite(r_M)]
    if len(r_M) < 3:
        return []
    worst = float(r_M[np.abs(r_M).argmax()])
    log = fit.law not in LAWS or fit.configured_law.log_response
    style = ".2%" if log else ".4g"
    found = [
        ("Residual rms", f"{math.sqrt(float((r_M**2).mean())):{style}}"),
        ("Largest residual", f"{worst:+{style}}"),
        ("Median |residual|", f"{float(np.median(np.abs(r_M))):{style}}"),
        ("Kurtosis (normal: 3)", f"{_kurtosis(r_M):.3g}"),
    ]
    if fit.delta is not None:
        found.append(("Within ±δ", f"{float((np.abs(r_M) <= fit.delta).mean()):.0%}"))
    if "c" in fit.residuals and fit.residuals["c"].notna().all() and len(r_M) == len(fit.residuals):
        found.append(("p, variance same at all C", f"{_constant_variance(fit, r_M):.3g}"))
    return found


def _estimated(fit: "Fit") -> int:
    return int(fit.diagnostics.get("free_parameters", len(fit.params)))


def settled(fit: "Fit") -> dict[str, str]:
    """The parameters that have no interval of their own, and why: held at a value, or resting at a bound."""
    if fit.law not in LAWS or "theta" not in fit.diagnostics:
        return {}
    law, theta_P = fit.configured_law, np.array(fit.diagnostics["theta"], dtype=np.float64)
    low_P, high_P = law.bounds_2P
    slack_P = 1e-6 * (high_P - low_P)
    at_bound_P = (theta_P <= low_P + slack_P) | (theta_P >= high_P - slack_P)
    held = set(fit.diagnostics.get("held", ()))
    found = {}
    for parameter in law.parameters:
        own = parameter.theta
        if own and all(entry in held for entry in own):
            found[parameter.name] = "held"
        elif own and at_bound_P[own[0]]:
            found[parameter.name] = "at bound"
    return found


def _title(fit: "Fit") -> str:
    law = LAWS.get(fit.law)
    return fit.law if law is None else f"{fit.law}: {law.formula}"


def _head(fit: "Fit") -> list[str]:
    from workbench.fitting.record import CONVENTION_LABELS

    free = fit.diagnostics.get("free_parameters")
    pairs = [
        ("Objective", fit.objective + (f" (δ = {fit.delta:g})" if fit.delta is not None else "")),
        ("Points", str(fit.n_points)),
        ("Value", f"{fit.objective_value:.10g}"),
        ("Parameters estimated", "–" if free is None else str(free)),
        ("N counts", CONVENTION_LABELS.get(fit.convention, fit.convention)),
        ("Degrees of freedom", "–" if free is None else str(fit.n_points - free)),
        ("Identified", "yes" if fit.identified else "NO: see the notes"),
        ("Points of the profile" if fit.resamples and fit.cut == 0 else "Resamples", str(fit.resamples)),
    ]
    return [*_pairs(pairs), f"{'Intervals:':<26}{fit.interval_method}"]


def _pairs(pairs: list[tuple[str, str]]) -> list[str]:
    """Two columns of names and values."""
    half = WIDTH // 2
    cells = [f"{name + ':':<26}{value:>{half - 28}}" for name, value in pairs]
    cells += [""] * (len(cells) % 2)
    return [f"{left:<{half}}  {right}".rstrip() for left, right in zip(cells[::2], cells[1::2], strict=True)]


def _coefficients(fit: "Fit") -> list[str]:
    errors, without, open_names = standard_errors(fit), settled(fit), fit.undetermined
    both = {**fit.intervals, **fit.derived_intervals}
    wide = max(12, *(len(name) for name in (*fit.params, *fit.derived)))
    head = f"{100 * fit.level:g}% interval"
    lines = [f"{'':<{wide}}  {'estimate':>16}  {'std err':>12}  {head:>34}", "-" * WIDTH]
    for i, (name, value) in enumerate({**fit.params, **fit.derived}.items()):
        if i == len(fit.params):
            lines.append("derived".center(WIDTH, "-"))
        low, high = both.get(name, (math.nan, math.nan))
        ends = f"{low:.6g} to {high:.6g}" if low == low else "none"
        error = f"{errors[name]:.4g}" if errors[name] == errors[name] else ""
        # What was held, or cannot vary, is no estimate without an error.
        if name in fit.params and name in without and not high > low:
            ends, error = without[name], ""
        estimate = f"{value:.8g}"
        if name in open_names:
            estimate, error, ends = UNDETERMINED, "", ""
        lines.append(f"{name:<{wide}}  {estimate:>16}  {error:>12}  {ends:>34}".rstrip())
    return lines


def _spread(draws_S: np.ndarray) -> float:
    """Half of what the middle 68% of the draws span: an amplitude has tails that no standard deviation survives."""
    known = draws_S[np.isfinite(draws_S)]
    if len(known) < 2:
        return math.nan
    low, high = np.quantile(known, [0.15865525, 0.84134475])
    return float(high - low) / 2


def _kurtosis(r_M: np.ndarray) -> float:
    off = r_M - r_M.mean()
    square = float((off**2).mean())
    return float((off**4).mean()) / square**2 if square > 0 else math.nan


def _constant_variance(fit: "Fit", r_M: np.ndarray) -> float:
    """p of Breusch and Pagan's test (1979) in Koenker's form (1981): the squares regressed on ln C."""
    from scipy.special import chdtrc

    x_M, square_M = np.log(fit.residuals["c"].to_numpy(dtype=np.float64)), r_M**2
    if np.ptp(x_M) == 0 or np.ptp(square_M) == 0:
        return math.nan
    together = float(np.corrcoef(square_M, x_M)[0, 1])
    return float(chdtrc(1, len(r_M) * together**2))
