"""The optimum where small models cost more per parameter, against a search along the curve of equal compute."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from tests.factories import make_runs
from tests.fitting.designs import TRUE, isoflop, loss_of
from workbench.fitting import Fit, allocate, fit, from_runs
from workbench.fitting.forecasts.cost import Cost
from workbench.fitting.laws import LAWS


@pytest.mark.parametrize("law", ["chinchilla", "kaplan-nd"])
@pytest.mark.parametrize("tilt", [0.0, -0.08, -0.2])
def test_the_closed_form_is_the_minimum_along_equal_compute(law, tilt):
    found = fit(isoflop(), law, resamples=0)
    params = {name: np.array([value]) for name, value in found.params.items()}
    cost = Cost(40.0, tilt)
    n, d = (float(value[0]) for value in cost.optimum(LAWS[law], params, 1e14))
    assert cost.flops(n, d) == pytest.approx(1e14)

    def loss(x: float) -> float:
        return float(found.predict(n=np.exp(x), d=1e14 / cost.flops(np.exp(x), 1.0)))

    best = minimize_scalar(loss, bracket=(np.log(n) - 2, np.log(n) + 2), tol=1e-10)
    assert np.log(n) == pytest.approx(best.x, abs=1e-3)


def test_six_where_compute_is_6nd_and_where_none_is_known():
    found = Cost.of(isoflop(), "n")
    assert (found.k, found.tilt) == (pytest.approx(6.0), 0.0)
    assert Cost.of(isoflop().drop(columns="c"), "n") == Cost()


def test_k_and_tilt_are_read_off_the_largest_budget():
    table = isoflop()
    table["c"] = 30 * table["n"] ** 0.9 * table["d"]
    cost = Cost.of(table, "n")
    assert (cost.k, cost.tilt) == (pytest.approx(30), pytest.approx(-0.1))


@pytest.mark.parametrize("convention", ["n", "n_non_embedding"])
def test_real_counts_are_followed_and_said(convention):
    table = from_runs(make_runs(0)[0])
    found = fit(table, "chinchilla", convention=convention, resamples=0)
    assert found.cost.tilt < -0.02
    assert any("C grows as N^" in note for note in found.notes)
    top = table[table["budget"] == table["budget"].max()]
    charged = [found.cost.flops(n, d) for n, d in zip(top[convention], top["d"], strict=True)]
    assert charged == pytest.approx(top["c"].to_numpy(), rel=0.1)


def test_a_record_read_back_has_its_cost():
    found = fit(isoflop().assign(c=lambda t: 30 * t["n"] ** 0.9 * t["d"]), resamples=0)
    again = Fit.from_dict(found.to_dict())
    assert again.cost == found.cost
    assert allocate(again, 1e15).n == allocate(found, 1e15).n


def test_the_closed_form_of_hoffmann_where_nothing_tilts():
    found = fit(isoflop(), resamples=0)
    total = TRUE["alpha"] + TRUE["beta"]
    g = (TRUE["alpha"] * TRUE["A"] / (TRUE["beta"] * TRUE["B"])) ** (1 / total)
    point = allocate(found, 1e15)
    assert point.n == pytest.approx(g * (1e15 / 6) ** (TRUE["beta"] / total), rel=1e-4)
    assert point.loss == pytest.approx(loss_of(np.array([point.n]), np.array([point.d]))[0], rel=1e-6)
