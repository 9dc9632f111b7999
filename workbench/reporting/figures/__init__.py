"""Pure functions from tables to plotly figures; each draws what it is given and computes nothing but its layout."""

from workbench.reporting.figures.batches import critical_batch
from workbench.reporting.figures.checks import emergence, rate_check, seed_noise
from workbench.reporting.figures.compare import compared_losses, compared_times
from workbench.reporting.figures.laws import isoflop, law_lines, optimum, residuals
from workbench.reporting.figures.next_runs import next_runs
from workbench.reporting.figures.outcomes import backtest, backtest_errors, observed_predicted
from workbench.reporting.figures.prices import prices, widths
from workbench.reporting.figures.sweep import learning_curves, loss_against_compute, thin

__all__ = [
    "backtest",
    "backtest_errors",
    "compared_losses",
    "compared_times",
    "critical_batch",
    "emergence",
    "isoflop",
    "law_lines",
    "learning_curves",
    "loss_against_compute",
    "next_runs",
    "observed_predicted",
    "optimum",
    "prices",
    "rate_check",
    "residuals",
    "seed_noise",
    "thin",
    "widths",
]
