"""Laws, estimators, uncertainty and forecasts: tables in, fits out. Stands alone: no torch, no store, no models."""

from workbench.fitting.allocation import Allocation, allocate
from workbench.fitting.backtest import BackTest, backtest
from workbench.fitting.emergence import fit_threshold
from workbench.fitting.fit import LAW_NAMES, fit, fit_all
from workbench.fitting.forecast import Forecast, forecast
from workbench.fitting.laws import LAWS
from workbench.fitting.record import Fit, FitSet, NotFitted, NotIdentifiable
from workbench.fitting.tables import from_runs, read_table

__all__ = [
    "LAWS",
    "LAW_NAMES",
    "Allocation",
    "BackTest",
    "Fit",
    "FitSet",
    "Forecast",
    "NotFitted",
    "NotIdentifiable",
    "allocate",
    "backtest",
    "fit",
    "fit_all",
    "fit_threshold",
    "forecast",
    "from_runs",
    "read_table",
]
