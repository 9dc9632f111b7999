"""Designs known to be too weak, and what the fit says of each."""

import numpy as np
import pandas as pd
import pytest

from tests.fitting.designs import isoflop, loss_of
from workbench.fitting import LAWS, fit
from workbench.fitting.diagnostics.identification import endless


def grid(ns: list[float], ds: list[float]) -> pd.DataFrame:
    table = pd.DataFrame([(n, d) for n in ns for d in ds], columns=["n", "d"])
    table["loss"] = loss_of(table["n"].to_numpy(), table["d"].to_numpy())
    return table


def test_a_sound_design_is_identified():
    assert fit(isoflop(0.003), resamples=0).identified


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (grid([1e4, 1e5], [1e6, 1e7, 1e8]), "Only 2 sizes N"),
        (grid([1e4, 2e4, 3e4], [1e7, 1.5e7, 2e7]), "decades of compute"),
        (isoflop(budgets=(1e12,), sizes=8), "collinear"),
        (
            isoflop()
            .assign(d=lambda t: 20 * t["n"])
            .assign(loss=lambda t: loss_of(t["n"].to_numpy(), t["d"].to_numpy())),
            "collinear",
        ),
        (isoflop().assign(loss=lambda t: 95 * t["n"] ** -0.347 + 420 * t["d"] ** -0.367), "ln E is at its lower bound"),
    ],
    ids=["two sizes", "short range", "one budget", "fixed ratio", "no irreducible loss"],
)
def test_a_weak_design_says_why(table, words):
    found = fit(table, resamples=0)
    assert not found.identified
    assert any(words in note for note in found.notes), found.notes


def test_noise_that_leaves_a_term_at_its_bound_is_said():
    table = isoflop(budgets=(1e11, 1e12), sizes=4)
    table["loss"] = 2.0 * np.exp(0.01 * np.random.default_rng(0).standard_normal(len(table)))
    assert not fit(table, resamples=0).identified


def test_a_law_of_one_variable_needs_a_decade_of_it():
    n = np.geomspace(1e5, 4e5, 6)
    table = pd.DataFrame({"n": n, "loss": (1e9 / n) ** 0.08})
    found = fit(table, "kaplan-n", resamples=0)
    assert not found.identified and any("The points span 0.60 decades of N" in note for note in found.notes)
    assert fit(table.assign(n=n**2), "kaplan-n", resamples=0).identified


def test_an_exponent_that_noise_leaves_open_is_not_identified():
    found = fit(isoflop(0.1, seed=3, sizes=4), resamples=200)
    low, high = found.interval("a")
    assert high - low > 0.5 and not found.identified
    assert any("leaves open how compute divides" in note for note in found.notes)
    assert any("The data leave" in note and "of the range that chinchilla allows" in note for note in found.notes)
    assert any("its interval ends there" in note for note in found.notes)
    drawn = fit(isoflop(0.1, seed=3, sizes=4), resamples=200, intervals="cases")
    assert any("is at the edge of its range in" in note and "of the resamples" in note for note in drawn.notes)


def with_seeds(noise: float) -> pd.DataFrame:
    """A sweep of which one point has three seeds, half a percent apart."""
    table = isoflop(noise, seed=2).assign(cluster=lambda t: [f"c{i}" for i in range(len(t))])
    again = pd.concat([table.iloc[[14]]] * 2).assign(loss=lambda t: t["loss"] * np.array([0.995, 1.005]))
    return pd.concat([table, again], ignore_index=True)


def test_misses_far_beyond_the_noise_of_seeds_are_said():
    words = "where seeds differ by 0.5%"
    assert any(words in note for note in fit(with_seeds(0.04), resamples=0).notes)
    assert not any(words in note for note in fit(with_seeds(0.005), resamples=0).notes)


def test_a_parameter_that_may_be_anything_up_to_its_bound_is_not_determined():
    """R_D* runs up to what the law allows; the amplitudes' decades, and an E that may be zero, are no failure."""
    law = LAWS["data-constrained"]
    low, high = law.bounds_2P
    draws = np.tile((low + high) / 2, (40, 1))
    draws[:, 6] = np.linspace(low[6] + 1, high[6] + 2, 40).clip(max=high[6])
    draws[:, 0] = np.linspace(low[0], 0, 40)
    intervals = {"E": (0.0, 1.0), "A": (1.0, 1e6), "R_D": (0.03, 1e4), "R_N": (3.0, 8.0)}
    (said,) = endless(law, draws, 0.025, intervals)
    assert said.startswith("R_D is not determined: its interval spans 5.5 decades")
    assert endless(law, draws, 0.025, {**intervals, "R_D": (200.0, 1e4)}) == []
    assert endless(law, draws, 0.025, intervals, held=(6,)) == []
