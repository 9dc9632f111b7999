"""The benchmark of comparisons in small: most intervals hold the truth, by the law and by equal points."""

import numpy as np
import pytest

from tests.benchmarks.group_coverage import line, trial
from tests.benchmarks.group_truths import Truth


def test_most_intervals_hold_the_truth():
    rng = np.random.default_rng(0)
    trials = [trial(Truth(), rng) for _ in range(6)]
    for way in range(3):
        held = [one.ends[way, 0] <= one.truth[way] <= one.ends[way, 1] for one in trials]
        assert sum(held) >= 5, way
        assert all(one.ends[way, 1] / one.ends[way, 0] < 1.2 for one in trials)
    assert line("times 0.8", trials).startswith("times 0.8")


def test_the_truth_by_search_is_the_closed_one():
    truth = Truth(times=0.7)
    found = truth._compute("b", 4.0) / truth._compute("a", 4.0)
    assert found == pytest.approx(0.7, rel=1e-3)
