"""The tables of a scaling study: exponents side by side, allocations by compute, lines for the figures."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from workbench.analyses.published import PUBLISHED
from workbench.errors import BadInput
from workbench.fitting import Fit, FitSet, allocate
from workbench.fitting.determined import narrow
from workbench.fitting.record import CONVENTION_LABELS

ALLOCATING = ("chinchilla", "isoflop", "envelope", "kaplan-nd")
"""Laws that say how compute divides into N and D; the first that is identified is the headline."""

APPROACHES = {
    "envelope": "1, envelope",
    "isoflop": "2, isoFLOP",
    "chinchilla": "3, parametric",
    "kaplan-nd": "Kaplan L(N, D)",
}
"""Laws with exponents a and b → what a table calls them, in the order of Hoffmann et al."""

OURS = "this fit"
"""The source of an exponent that is not a published one."""

Bounds = tuple[float, float]
UNKNOWN: Bounds = (float("nan"), float("nan"))


def interval_of(fit: Fit, name: str) -> Bounds:
    """The interval of a parameter or derived quantity; NaN where the fit has none."""
    return {**fit.intervals, **fit.derived_intervals}.get(name, UNKNOWN)


def settled(fit: Fit, name: str) -> dict[str, object]:
    """A number and its interval, blank where the runs leave it open (`Fit.undetermined`)."""
    if name in fit.undetermined:
        return {name: float("nan"), f"{name}_interval": list(UNKNOWN)}
    value = {**fit.params, **fit.derived}.get(name, float("nan"))
    return {name: value, f"{name}_interval": list(interval_of(fit, name))}


def exponents(fits: FitSet) -> pd.DataFrame:
    """a and b of every approach under every convention of N, then the published ones."""
    rows = []
    for law, approach in APPROACHES.items():
        for fit in fits:
            if fit.law == law:
                rows.append(
                    {
                        "source": OURS,
                        "approach": approach,
                        "convention": CONVENTION_LABELS.get(fit.convention, fit.convention),
                        **settled(fit, "a"),
                        **settled(fit, "b"),
                        "level": fit.level,
                        "identified": fit.identified,
                    }
                )
    for item in PUBLISHED:
        rows.append(
            {
                "source": item.source,
                "approach": item.approach,
                "convention": item.convention,
                "a": item.a,
                "a_interval": list(item.a_interval or UNKNOWN),
                "b": item.b,
                "b_interval": list(item.b_interval or UNKNOWN),
                "level": item.level if item.level is not None else float("nan"),
                "identified": None,
            }
        )
    return pd.DataFrame(rows)


FACTORS = ("k_N", "k_D")
"""Of N_opt = k_N C^a, at C = 1 FLOP: with a loose exponent they say nothing alone."""


def parameters(fits: FitSet) -> pd.DataFrame:
    """Every parameter of every fit: law, convention, name, value, interval.

    A factor whose interval spans two decades is left blank: only together with its exponent does it say anything. So
    is every number that a fit leaves open (`Fit.undetermined`).
    """
    rows = []
    for fit in fits:
        for name, value in {**fit.params, **fit.derived}.items():
            ends = interval_of(fit, name)
            said = name not in fit.undetermined and (name not in FACTORS or narrow(ends))
            rows.append(
                {
                    "law": fit.law,
                    "convention": CONVENTION_LABELS.get(fit.convention, fit.convention),
                    "name": name,
                    "value": value if said else float("nan"),
                    "interval": list(ends if said else UNKNOWN),
                    "identified": None if not said and fit.identified else fit.identified,
                }
            )
    return pd.DataFrame(rows, columns=["law", "convention", "name", "value", "interval", "identified"])


def allocations(fits: Sequence[Fit], flops: Sequence[float]) -> pd.DataFrame:
    """The compute-optimal N, D and loss of each fit at each compute, with intervals where the fit has draws.

    `run_low` and `run_high` are where one run of that size will fall; `determined` is false where the fit says nothing.
    """
    rows = []
    for fit in fits:
        for compute in flops:
            try:
                found = allocate(fit, float(compute))
            except BadInput:
                break  # this law names no optimum; what it lacks stands in its notes
            row: dict[str, object] = {"law": fit.law, "convention": fit.convention, "flops": float(compute)}
            for name, value in (("n", found.n), ("d", found.d), ("loss", found.loss)):
                low, high = found.intervals.get(name, UNKNOWN)
                row |= {name: value, f"{name}_low": low, f"{name}_high": high}
            low, high = found.intervals.get("run", UNKNOWN)
            rows.append({**row, "run_low": low, "run_high": high, "determined": found.determined})
    names = [f"{name}{end}" for name in ("n", "d", "loss") for end in ("", "_low", "_high")]
    return pd.DataFrame(rows, columns=["law", "convention", "flops", *names, "run_low", "run_high", "determined"])


def grid(low: float, middle: float, high: float, per_decade: int = 8) -> list[float]:
    """Compute values from low over middle to high, evenly spaced in the logarithm on either side of the middle."""
    spans = ((low, middle), (middle, high))
    parts = [np.geomspace(a, b, max(2, round(np.log10(b / a) * per_decade) + 1)) for a, b in spans if b > a]
    return [float(value) for value in np.unique(np.concatenate(parts))] if parts else [middle]


def surface_lines(fit: Fit, points: pd.DataFrame, most: int = 12, count: int = 41) -> pd.DataFrame:
    """L(N, D) along D at the sizes of the runs (at most so many of them, evenly chosen)."""
    sizes = np.unique(points[fit.convention].to_numpy(dtype=float))
    chosen = sizes[np.unique(np.linspace(0, len(sizes) - 1, min(most, len(sizes))).round().astype(int))]
    d = np.geomspace(float(points["d"].min()), float(points["d"].max()), count)
    frames = [pd.DataFrame({"n": n, "d": d, "loss": fit.predict(n=np.full(count, n), d=d)}) for n in chosen]
    return pd.concat(frames, ignore_index=True)
