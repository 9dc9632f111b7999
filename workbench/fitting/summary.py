"""A fit as a page of text, laid out as statsmodels does: what was fitted and how, the coefficients, the residuals."""

import math
from typing import TYPE_CHECKING

import numpy as np

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
    lines += [f"note: {note}" for note in fit.notes]
    return "\n".join(lines)


def standard_errors(fit: "Fit") -> dict[str, float]:
    """Half the middle 68% of the draws of each parameter and each derived quantity; NaN without draws."""
    names = (*fit.params, *fit.derived)
    if not fit.resamples:
        return dict.fromkeys(names, math.nan)
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
        ("Resamples", str(fit.resamples)),
    ]
    return [*_pairs(pairs), f"{'Intervals:':<26}{fit.interval_method}"]


def _pairs(pairs: list[tuple[str, str]]) -> list[str]:
    """Two columns of names and values."""
    half = WIDTH // 2
    cells = [f"{name + ':':<26}{value:>{half - 28}}" for name, value in pairs]
    cells += [""] * (len(cells) % 2)
    return [f"{left:<{half}}  {right}".rstrip() for left, right in zip(cells[::2], cells[1::2], strict=True)]


def _coefficients(fit: "Fit") -> list[str]:
    errors = standard_errors(fit)
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
        lines.append(f"{name:<{wide}}  {value:>16.8g}  {error:>12}  {ends:>34}")
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
