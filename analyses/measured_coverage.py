"""How often intervals held the truth in simulated sweeps: docs/coverage.md and docs/isoflop-bias.md in short."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """Coverage of 95% intervals in percent, by what a fit says of its method."""

    starts: str
    """How the fit's own words for the method begin."""
    name: str
    least: float
    most: float
    """Least and most over designs, laws, sizes of noise and targets; errors equal and independent."""
    together: tuple[float, float] | None = None
    """Mean over the targets where all runs of a size err together: on a grid of six sizes, on the quickstart's."""
    law: str = ""
    """Only of this fit."""


LEVEL = 0.95
SWEEPS = 2000
"""Simulated sweeps behind each cell of the two tables."""

RUNS = (20, 240)
"""Runs of the smallest and the largest design."""

MEASURED = (
    Measured("percentile bootstrap of residuals within budgets", "isoFLOP minima, residuals", 94, 97, law="isoflop"),
    Measured("profile", "profile", 93.8, 97.2, (84.2, 90.6)),
    Measured("percentile bootstrap, resampling model sizes", "whole groups", 92.5, 99.5, (97.4, 97.8)),
    Measured("percentile bootstrap, resampling budgets", "whole groups", 92.5, 99.5, (97.4, 97.8)),
    Measured("percentile bootstrap, resampling configurations", "configurations", 96.2, 99.4, (89.3, 95.2)),
    Measured("percentile bootstrap of residuals", "residuals", 94.8, 98.2, (85.8, 91.5)),
    Measured("bootstrap of residuals, studentised", "residuals, studentised", 94.0, 97.2, (86.2, 91.0)),
    Measured("sandwich", "sandwich", 75.7, 98.0, (86.7, 91.1)),
)
"""The first whose words fit is a method's."""


def measured(law: str, method: str) -> Measured | None:
    """What is known of the intervals of a fit."""
    fitting = (one for one in MEASURED if method.startswith(one.starts) and one.law in ("", law))
    return next(fitting, None) if law in ("isoflop", *OF_LAWS) else None


OF_LAWS = ("chinchilla", "chinchilla-tied", "kaplan-nd")
"""Laws of L(N, D). The coverage was measured on the first; the others are solved and resampled alike."""
