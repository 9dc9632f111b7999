"""What a design narrows, held against closed forms and the allocation."""

import numpy as np
import pytest

from tests.fitting.designs import TRUE, isoflop
from workbench.errors import BadInput
from workbench.fitting import fit
from workbench.fitting.design.targets import Target
from workbench.fitting.forecasts.cost import Cost
from workbench.fitting.laws import LAWS

LAW = LAWS["chinchilla"]


@pytest.fixture(scope="module")
def pilot():
    return fit(isoflop(0.004, budgets=(1e11, 1e12, 1e13), sizes=5), "chinchilla", resamples=100)


def test_the_gradient_of_a_is_the_closed_form():
    centre_F = np.array([12.0, 16.0])
    theta_P = LAW.from_params(TRUE, centre_F, 1.0)
    c_STP = Target("a").gradient(LAW, theta_P[None], centre_F, 1.0, Cost())
    total = (TRUE["alpha"] + TRUE["beta"]) ** 2
    np.testing.assert_allclose(c_STP[0, 0], [0, 0, 0, -TRUE["beta"] / total, TRUE["alpha"] / total], atol=1e-8)


def test_loss_and_n_opt_are_those_of_the_allocation(pilot):
    params = {name: np.array([value]) for name, value in pilot.params.items()}
    n, d = pilot.cost.optimum(LAW, params, 1e14)
    assert np.exp(Target("n-opt", 1e14).values(LAW, params, pilot.cost)) == pytest.approx(n[0])
    assert Target("loss", 1e14).values(LAW, params, pilot.cost) == pytest.approx(pilot.predict(n=n, d=d)[0])


@pytest.mark.parametrize(
    ("name", "flops", "message"),
    [
        ("gamma", None, "target is 'gamma'"),
        ("loss", None, "target loss needs a compute C"),
        ("n-opt", -1.0, "it has -1"),
        ("a", 1e14, "the same at every compute"),
    ],
)
def test_a_target_that_means_nothing_is_refused(name, flops, message):
    with pytest.raises(BadInput, match=message):
        Target(name, flops)


def test_a_law_without_the_target_is_refused():
    kaplan = LAWS["kaplan-n"]
    params = kaplan.to_params(kaplan.starts()[:1], np.array([12.0]), 1.0)
    with pytest.raises(BadInput, match="kaplan-n has no beta"):
        Target("beta").values(kaplan, params, Cost())
    with pytest.raises(BadInput, match="does not say how compute divides"):
        Target("loss", 1e14).values(kaplan, params, Cost())
