"""The threshold curve on simulated accuracies whose threshold is known."""

import numpy as np
import pandas as pd
import pytest

from workbench.errors import BadInput
from workbench.fitting import NotIdentifiable, fit_threshold
from workbench.fitting.laws.threshold import Threshold


def accuracies(n_c=1.2e5, width=0.4, sizes=(1e4, 3e4, 1e5, 3e5, 1e6), seeds=3, items=200, seed=0) -> pd.DataFrame:
    n = np.repeat(sizes, seeds)
    p = 0.05 + 0.93 / (1 + np.exp(-(np.log(n) - np.log(n_c)) / width))
    value = np.random.default_rng(seed).binomial(items, p) / items
    return pd.DataFrame({"n": n, "value": value, "items": items, "chance": 0.05})


def test_the_threshold_lies_in_its_interval():
    found = fit_threshold(accuracies(), resamples=300)
    low, high = found.interval("N_c")
    assert low < 1.2e5 < high and high / low < 1.6
    assert found.identified and found.params["floor"] == 0.05
    assert found.params["ceiling"] == pytest.approx(0.98, abs=0.02)


def test_without_a_chance_level_the_floor_is_fitted():
    found = fit_threshold(accuracies().drop(columns="chance"), resamples=100)
    assert found.params["floor"] == pytest.approx(0.05, abs=0.03)
    assert found.conventions["floor"] == "fitted"


@pytest.mark.parametrize("given", ["items", "se"])
def test_four_sizes_that_miss_by_little_say_no_more_than_their_answers_do(given):
    held = 0
    for seed in range(20):
        table = accuracies(n_c=2e5, width=0.7, sizes=np.geomspace(1e4, 1e7, 4), seeds=1, seed=seed)
        if given == "se":
            table["se"] = np.sqrt(table["value"] * (1 - table["value"]) / table["items"])
            table = table.drop(columns="items")
        low, high = fit_threshold(table, resamples=100, seed=seed).interval("N_c")
        held += low < 2e5 < high
    assert held >= 17  # the misses alone, with one degree of freedom, held it in 14


def test_half_the_rise_is_done_at_the_threshold():
    found = fit_threshold(accuracies(), resamples=0)
    half = (found.params["floor"] + found.params["ceiling"]) / 2
    residuals = found.residuals
    assert (residuals.loc[residuals["n"] < found.params["N_c"], "predicted"] < half).all()
    assert (residuals.loc[residuals["n"] > found.params["N_c"], "predicted"] > half).all()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (accuracies(n_c=1e8), "rises by|past the bend"),
        (accuracies(n_c=1e2), "None of the sizes lies below"),
    ],
    ids=["never bends", "bent before the first size"],
)
def test_a_threshold_outside_the_sizes_is_not_identified(table, words):
    found = fit_threshold(table, resamples=20)
    assert not found.identified
    assert pd.Series(found.notes).str.contains(words).any(), found.notes


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (accuracies().assign(value=1.5), "value is 1.5; a threshold is fitted to a share"),
        (accuracies().assign(chance=1.0), "chance is 1;"),
        (accuracies().drop(columns="value"), "needs the column value"),
        (accuracies().assign(n=0.0), "n is 0"),
        (accuracies().assign(value=np.nan), "no row with both"),
    ],
)
def test_nonsense_is_refused(table, message):
    with pytest.raises(BadInput, match=message):
        fit_threshold(table)


def test_too_few_sizes_are_refused():
    with pytest.raises(NotIdentifiable, match="at least four sizes; the table has 3"):
        fit_threshold(accuracies(sizes=(1e4, 1e5, 1e6)))


def test_a_metric_that_rises_as_the_loss_falls_has_its_threshold_in_one_over_it():
    loss = np.geomspace(2.0, 4.0, 24)
    value = 1 / (1 + np.exp((np.log(loss) - np.log(2.8)) / 0.05))
    table = pd.DataFrame({"inverse_loss": 1 / loss, "value": value, "items": 200})
    found = fit_threshold(table, resamples=0, convention="inverse_loss")
    assert 1 / found.params["N_c"] == pytest.approx(2.8, rel=0.01)
    assert found.params["width"] == pytest.approx(0.05, rel=0.05)
    with pytest.raises(NotIdentifiable, match="at least four losses; the table has 2"):
        fit_threshold(table.head(2), convention="inverse_loss")


def test_what_a_threshold_cannot_be_in_is_refused():
    with pytest.raises(BadInput, match="convention is 'value'; a threshold is one in n, "):
        fit_threshold(accuracies(), convention="value")


def test_a_curve_that_is_still_rising_is_drawn_as_it_was_fitted():
    """A metric near 1 at the largest size, bent the other way: no ceiling above 1 is fitted and then cut off."""
    n = np.geomspace(1e3, 1e4, 12)
    table = pd.DataFrame({"n": n, "value": np.linspace(0.3, 0.99, 12), "items": 1000})
    found = fit_threshold(table, resamples=0)
    predicted = Threshold().predict(found.params, n=found.residuals["n"].to_numpy())
    assert found.params["ceiling"] <= 1
    assert predicted == pytest.approx(found.residuals["predicted"].to_numpy())
    assert abs(found.residuals["residual"]).max() < 0.1
