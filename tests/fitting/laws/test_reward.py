"""Reward over-optimisation against Gao et al.'s formulas."""

import numpy as np
import pytest

from tests.fitting.laws import checks
from workbench.fitting.laws.reward import RewardBestOfN, RewardRL

KL = np.array([0.0, 0.3, 1.0, 2.5, 6.0, 12.0, 25.0, 60.0])
BON = checks.Case(
    RewardBestOfN(),
    {"alpha": 0.7, "beta": 0.08},
    {"kl": KL},
    lambda kl: np.sqrt(kl) * (0.7 - 0.08 * np.sqrt(kl)),
)
RL = checks.Case(
    RewardRL(),
    {"alpha": 0.9, "beta": 0.35},
    {"kl": KL},
    lambda kl: np.append(0.0, np.sqrt(kl[1:]) * (0.9 - 0.35 * np.log(np.sqrt(kl[1:])))),
)
CASES = {"best of n": BON, "reinforcement learning": RL}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("check", checks.EACH, ids=lambda check: check.__name__)
def test_the_law(check, case):
    check(case)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_peak_is_where_the_reward_is_highest(case):
    peak = case.law.derived({name: np.array([value]) for name, value in case.params.items()})
    d = np.linspace(0.01, 15, 200_001)
    reward = case.law.predict(case.params, kl=d**2)
    assert peak["d_peak"][0] == pytest.approx(d[reward.argmax()], abs=1e-4)
    assert peak["reward_peak"][0] == pytest.approx(reward.max(), rel=1e-8)


@pytest.mark.parametrize("law", [RewardBestOfN(), RewardRL()], ids=lambda law: law.name)
def test_a_reward_that_never_falls_has_no_peak(law):
    peak = law.derived({"alpha": np.array([0.5]), "beta": np.array([-0.1])})
    assert np.isnan([peak["d_peak"], peak["reward_peak"]]).all()


def test_a_robust_objective_finds_the_same_law():
    params, _ = checks.solved(RL, "huber")
    assert params == pytest.approx(RL.params, rel=1e-6)


def test_rows_may_come_in_any_order():
    checks.the_order_of_rows_does_not_matter(BON, 0)
