"""The page and the picture of a fit."""

import re

import numpy as np
import pytest

from tests.fitting.designs import isoflop
from workbench.errors import BadInput
from workbench.fitting import Fit, fit
from workbench.fitting.summary import diagnostics, standard_errors


@pytest.fixture(scope="module")
def found():
    return fit(isoflop(0.003), resamples=100, intervals="residuals")


def test_standard_errors_are_those_of_the_draws(found):
    errors = standard_errors(found)
    draws = found.draws()
    assert errors["alpha"] == pytest.approx(draws["alpha"].std(ddof=1), rel=0.15)
    low, high = np.quantile(draws["beta"] / (draws["alpha"] + draws["beta"]), [0.15865525, 0.84134475])
    assert errors["a"] == pytest.approx((high - low) / 2)
    assert np.isnan(standard_errors(fit(isoflop(), resamples=0))["E"])


def test_the_page_has_the_head_the_coefficients_and_the_residuals(found):
    page = found.summary()
    assert "chinchilla: L(N, D) = E + A/N^alpha + B/D^beta" in page
    for name, value in {"Points": 30, "Parameters estimated": 5, "Degrees of freedom": 25, "Resamples": 100}.items():
        assert re.search(rf"{name}: +{value}\b", page)
    low, high = found.interval("alpha")
    line = next(line for line in page.splitlines() if line.startswith("alpha "))
    assert line.split() == ["alpha", f"{found.params['alpha']:.8g}", f"{standard_errors(found)['alpha']:.4g}",
                            f"{low:.6g}", "to", f"{high:.6g}"]  # fmt: skip
    assert "note: One optimum found on a grid" in page and max(map(len, page.splitlines()[:14])) <= 110


def test_a_fit_with_a_held_parameter_counts_fewer():
    page = fit(isoflop(0.003), resamples=0, fixed={"alpha": 0.35}).summary()
    assert re.search(r"Parameters estimated: +4\b", page)


def test_the_diagnostics_are_of_the_residuals(found):
    r = found.residuals["residual"].to_numpy()
    said = dict(diagnostics(found))
    assert said["Residual rms"] == f"{np.sqrt((r**2).mean()):.2%}"
    assert said["Within ±δ"] == f"{(np.abs(r) <= 1e-3).mean():.0%}"
    assert diagnostics(Fit.from_dict(found.to_dict())) == []


def test_the_picture_shows_every_run(found):
    figure = found.plot()
    _, observed, residuals = figure.data
    assert np.asarray(observed.y) == pytest.approx(found.residuals["loss"].to_numpy())
    assert np.asarray(residuals.y) == pytest.approx(found.residuals["residual"].to_numpy())
    assert f"n {found.residuals['n'][0]:.5g}<br>" in observed.text[0]
    with pytest.raises(BadInput, match="carries no predictions"):
        Fit.from_dict(found.to_dict()).plot()


def test_a_profile_has_the_standard_errors_of_its_intervals():
    from scipy.stats import t

    edges = fit(isoflop(0.003), intervals="profile")
    low, high = edges.interval("alpha")
    assert standard_errors(edges)["alpha"] == pytest.approx((high - low) / 2 / t.ppf(0.975, 25))
    assert "Points of the profile:" in edges.summary()


def test_a_held_parameter_has_no_interval():
    page = fit(isoflop(0.003), resamples=50, fixed={"alpha": 0.35}).summary()
    (line,) = (line for line in page.splitlines() if line.startswith("alpha "))
    assert line.split() == ["alpha", "0.35", "held"]
