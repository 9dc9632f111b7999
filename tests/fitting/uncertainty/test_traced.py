"""The curve of a profile: of least squares on a straight line it is Student's t squared, whose ends are textbook's."""

import numpy as np
import pandas as pd
import pytest

from workbench.errors import BadInput
from workbench.fitting import LAWS, fit
from workbench.fitting.parametric import fit_law
from workbench.fitting.tables import canonical
from workbench.fitting.uncertainty.traced import trace


def line(many: int = 12, noise: float = 0.02) -> pd.DataFrame:
    """Losses of a pure power of D."""
    rng = np.random.default_rng(3)
    d = np.geomspace(1e5, 1e8, many)
    loss = (2e9 / d) ** 0.1 * np.exp(noise * rng.standard_normal(many))
    return canonical(pd.DataFrame({"n": np.full(many, 1e6), "d": d, "loss": loss}))


def surface(noise: float = 0.004) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    n, d = (axis.ravel() for axis in np.meshgrid(np.geomspace(1e4, 1e6, 5), np.geomspace(1e5, 1e8, 5)))
    loss = (1.6 + 46 / n**0.35 + 270 / d**0.37) * np.exp(noise * rng.standard_normal(len(n)))
    return canonical(pd.DataFrame({"n": n, "d": d, "c": 6 * n * d, "loss": loss}))


def test_of_a_straight_line_the_statistic_is_students_t_squared():
    import statsmodels.api as sm

    table = line()
    fitted = fit_law(table, LAWS["kaplan-d"], "log-mse", resamples=1, intervals="profile")
    ols = sm.OLS(np.log(table["loss"]), sm.add_constant(np.log(table["d"]))).fit()
    traced = trace(fitted)
    curve = traced.curves[traced.curves["name"] == "alpha_D"]
    t = (-curve["value"] - ols.params["d"]) / ols.bse["d"]
    assert np.allclose(curve["statistic"], t**2, rtol=1e-3, atol=1e-6)
    low, high = ols.conf_int().loc["d"]
    assert traced.ends("alpha_D") == pytest.approx((-high, -low), rel=2e-2)


@pytest.mark.parametrize("objective", ["log-mse", "huber"])
def test_the_curves_cross_the_line_where_the_profile_interval_ends(objective: str):
    fitted = fit(surface(), "chinchilla", objective, resamples=1, intervals="profile")
    traced = trace(fitted)
    for name in ("E", "alpha", "beta", "a"):
        low, high = traced.ends(name)
        own_low, own_high = fitted.interval(name)
        width = own_high - own_low
        assert abs(low - own_low) < 0.05 * width and abs(high - own_high) < 0.05 * width


def test_the_estimate_is_the_least_and_lies_at_zero():
    fitted = fit(surface(), "chinchilla", resamples=1)
    traced = trace(fitted)
    for name, part in traced.curves.groupby("name"):
        least = part.iloc[int(part["statistic"].to_numpy().argmin())]
        assert least["statistic"] == 0.0
        assert least["value"] == pytest.approx({**fitted.params, **fitted.derived}[str(name)])


def test_a_law_met_exactly_has_nothing_to_profile():
    fitted = fit(surface(noise=0.0), "chinchilla", "log-mse", resamples=0)
    with pytest.raises(BadInput, match="nothing to profile"):
        trace(fitted)
