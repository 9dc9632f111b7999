"""A law is said to be better than another only where runs it has not seen tell the two apart."""

import numpy as np
import pytest

from workbench.analyses.scaling_words import told_apart
from workbench.fitting import Comparison
from workbench.fitting.forecasts.comparison import Candidate
from workbench.fitting.forecasts.crossvalidation import Scores


def scored(law: str, score_G: np.ndarray) -> Candidate:
    groups = np.ones(len(score_G), dtype=int)
    return Candidate(law, 5, Scores("model sizes", score_G, groups, np.zeros(len(score_G)), 0.0, 5), np.nan, None, "")


@pytest.mark.parametrize(("gain", "apart"), [(0.5, True), (0.1, False), (-0.5, False)])
def test_laws_are_told_apart_by_twice_the_error_of_their_difference(gain: float, apart: bool):
    own = np.random.default_rng(0).standard_normal(16)
    other = own + gain + np.tile([0.4, -0.4], 8)  # the mean's standard error is 0.103
    found = Comparison((scored("one", other), scored("two", own)), (), "huber", "n", 16, ())
    assert told_apart(found, "one", "two") is apart
