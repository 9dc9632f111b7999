"""Designs known to be too weak, and what the fit says of each."""

import numpy as np
import pandas as pd
import pytest

from tests.fitting.designs import isoflop, loss_of
from workbench.fitting import fit


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
