"""Laws, estimators, uncertainty and forecasts: tables in, fits out. Stands alone: no torch, no store, no models."""

from workbench.fitting.diagnostics.diagnosis import Diagnosis, diagnose
from workbench.fitting.emergence import fit_threshold
from workbench.fitting.fit import LAW_NAMES, fit, fit_all
from workbench.fitting.forecasts.allocation import Allocation, allocate
from workbench.fitting.forecasts.backtest import BackTest, backtest
from workbench.fitting.forecasts.backtests import BackTests, backtests
from workbench.fitting.forecasts.comparison import Comparison, compare
from workbench.fitting.forecasts.forecast import Forecast, forecast
from workbench.fitting.forecasts.prediction import prediction_interval
from workbench.fitting.forecasts.question import Question
from workbench.fitting.laws import LAWS
from workbench.fitting.record import Fit, FitSet, NotFitted, NotIdentifiable
from workbench.fitting.tables.canonical import from_runs, read_table

__all__ = [
    "LAWS",
    "LAW_NAMES",
    "Allocation",
    "BackTest",
    "BackTests",
    "Comparison",
    "Diagnosis",
    "Fit",
    "FitSet",
    "Forecast",
    "NotFitted",
    "NotIdentifiable",
    "Question",
    "allocate",
    "backtest",
    "backtests",
    "compare",
    "diagnose",
    "fit",
    "fit_all",
    "fit_threshold",
    "forecast",
    "from_runs",
    "prediction_interval",
    "read_table",
]
