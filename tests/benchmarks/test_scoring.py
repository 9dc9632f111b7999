"""The coverage benchmark counts as it says, and its batches end where the shipped functions do."""

import numpy as np
import pytest

from tests.benchmarks.scoring import Cell, Tally, agrees, points, score, solve
from tests.benchmarks.simulate import TARGETS, Scene
from workbench.fitting import allocate, fit
from workbench.fitting.uncertainty import methods

SCENE = Scene("isoflop 4×5", "Besiroglu", "normal 0.5%")


def test_the_interval_score_is_width_plus_forty_times_the_miss():
    tally = Tally()
    tally.add(np.array([[0.0, 2.0, np.nan]]), np.array([[1.0, 5.0, np.nan]]))
    found = tally.result(np.array([1.0]))
    assert found["coverage"] == [50.0]
    assert found["score"] == pytest.approx([(1 + 3 + 40 * 1) / 2])
    assert found["failed"] == pytest.approx(100 / 3)


def test_the_truth_of_a_scene_is_what_a_noise_free_fit_forecasts():
    found = fit(SCENE.table, resamples=0)
    truth = dict(zip(TARGETS, SCENE.truth, strict=True))
    forecast = allocate(found, 100 * float(SCENE.table["c"].max()))
    assert found.params["E"] == pytest.approx(truth["E"], rel=1e-6)
    assert np.log(forecast.n) == pytest.approx(truth["N 100x"], rel=1e-6)
    assert np.log(forecast.loss) == pytest.approx(truth["L 100x"], rel=1e-6)


def test_batches_end_where_the_shipped_functions_do():
    rng = np.random.default_rng(0)
    assert agrees(SCENE, 3) < 1e-6
    fits = points(SCENE, SCENE.draw(3, rng))
    data = [methods.RESAMPLING["residuals"](each, 20, rng) for each in fits]
    together = solve(fits, [(each.y_SM, each.w_SM) for each in data], 20)
    for each, drawn, theta_SP in zip(fits, data, together, strict=True):
        np.testing.assert_allclose(theta_SP, methods.solve(each, drawn, 20), atol=1e-3)


@pytest.mark.parametrize(
    ("noise", "spread"),
    [("normal 1%", 0.01), ("t3 0.5%", 0.005), ("by size 0.5%", 0.005)],
)
def test_errors_have_the_size_they_are_named_for(noise, spread):
    drawn = Scene("quickstart", "quickstart", noise).draw(4000, np.random.default_rng(0))
    assert drawn.std(axis=0).mean() == pytest.approx(spread, rel=0.1)


def test_a_cell_scores_every_method():
    found = score(Cell(SCENE, 3, 30))
    assert set(found["methods"]) >= {"auto", "studentised", "profile", "jackknife"}
    assert all(len(each["coverage"]) == len(TARGETS) for each in found["methods"].values())
    assert sum(found["chosen"].values()) == pytest.approx(100)


def test_wrong_truths_are_wrong():
    for wrong in ("rate mistuned", "broken", "N + 10%"):
        assert fit(Scene("isoflop 5×6", "Hoffmann", "normal 0.5%", wrong).table, resamples=0).objective_value > 1e-7
