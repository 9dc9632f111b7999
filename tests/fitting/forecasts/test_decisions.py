"""Departures, flatness, multipliers, inference and repeats: closed forms, and minima found by brute force on a grid."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar

from tests.fitting.designs import TRUE, isoflop, loss_of, repeated
from workbench.errors import BadInput
from workbench.fitting import allocate, fit
from workbench.fitting.forecasts.decisions import departures, flatness, multiplier, worth
from workbench.fitting.forecasts.inference import serve
from workbench.fitting.forecasts.repeats import BORROWED, Limited, repetition
from workbench.fitting.forecasts.surface import ALLOCATING, Surface

C = 1e15
GAMMA = TRUE["alpha"] * TRUE["beta"] / (TRUE["alpha"] + TRUE["beta"])


@pytest.fixture(scope="module")
def exact():
    return Surface.of(fit(isoflop(), resamples=0))


@pytest.fixture(scope="module")
def noisy():
    return Surface.of(fit(isoflop(0.003), resamples=200))


@pytest.fixture(scope="module")
def tilted():
    table = isoflop()
    table["c"] = 30 * table["n"] ** 0.9 * table["d"]
    return Surface.of(fit(table.drop(columns="budget"), resamples=0))


def least(surface: Surface, flops: float) -> tuple[float, float]:
    """ln N and the loss at the minimum along equal compute, by search."""

    def loss(x: float) -> float:
        return float(surface.fit.predict(n=np.exp(x), d=surface.cost.tokens(np.exp(x), flops), u=1e30)[()])

    grid = np.linspace(3, 40, 400)
    best = grid[np.argmin([loss(x) for x in grid])]
    found = minimize_scalar(loss, bounds=(best - 0.2, best + 0.2), method="bounded", options={"xatol": 1e-10})
    return float(found.x), float(found.fun)


@pytest.mark.parametrize("law", ALLOCATING)
def test_the_closed_form_of_every_law_is_the_minimum_along_equal_compute(law):
    table = repeated(0.0) if law == "data-constrained" else isoflop(0.002)
    surface = Surface.of(fit(table, law, resamples=0))
    best = allocate(surface.fit, C)
    if law == "data-constrained":
        every = np.exp(np.linspace(-3, 3, 2001)) * best.n
        loss = surface.fit.predict(
            n=every, d=surface.cost.tokens(1.0, C) / every, u=surface.cost.tokens(1.0, C) / every
        )
        assert best.loss <= loss.min() * (1 + 1e-9)
        assert np.log(best.n) == pytest.approx(np.log(every[loss.argmin()]), abs=0.01)
        return
    ln_n, lowest = least(surface, C)
    assert np.log(best.n) == pytest.approx(ln_n, abs=1e-4)
    assert best.loss == pytest.approx(lowest, rel=1e-10)


def test_a_law_that_does_not_allocate_has_no_surface():
    with pytest.raises(BadInput, match="kaplan-c does not say how compute divides"):
        Surface.of(fit(isoflop(), "kaplan-c", resamples=0))


@pytest.mark.parametrize("factor", [0.25, 2.0, 10.0])
def test_departing_costs_the_closed_form(exact, factor):
    (found,) = departures(exact, C, (factor,))
    alpha, beta = TRUE["alpha"], TRUE["beta"]
    w = beta / (alpha + beta)
    ratio = w * factor**-alpha + (1 - w) * factor**beta
    best = allocate(exact.fit, C)
    assert found.n == pytest.approx(factor * best.n) and 6 * found.n * found.d == pytest.approx(C)
    assert found.loss.value == pytest.approx(float(loss_of(np.array(found.n), np.array(found.d))), rel=1e-5)
    assert found.excess.value == pytest.approx((ratio - 1) * (best.loss - TRUE["E"]), rel=1e-3)
    assert found.overhead.value == pytest.approx(ratio ** (1 / GAMMA), rel=1e-3)


def test_the_overhead_is_the_compute_that_would_do_at_the_optimum(tilted):
    (found,) = departures(tilted, C, (3.0,))
    assert tilted.cost.tilt == pytest.approx(-0.1)
    assert allocate(tilted.fit, C / found.overhead.value).loss == pytest.approx(found.loss.value, rel=1e-10)


def test_following_an_uncertain_optimum_costs_something_in_the_draws_and_nothing_in_the_point(noisy):
    (found,) = departures(noisy, C, (1.0,))
    assert found.excess.value == pytest.approx(0, abs=1e-12)
    low, high = found.excess.interval
    assert 0 <= low < high < 0.01


@pytest.mark.parametrize("share", [0.001, 0.01])
def test_flatness_ends_where_the_loss_has_risen_by_the_share(exact, share):
    found = flatness(exact, C, share)
    best = allocate(exact.fit, C)
    assert found.low.value < best.n < found.high.value
    for n in (found.low.value, found.high.value):
        assert exact.fit.predict(n=n, d=C / 6 / n) == pytest.approx((1 + share) * best.loss, rel=1e-9)


def test_a_multiplier_is_worth_the_power_law_of_the_frontier(exact):
    found = multiplier(exact, C, 2.0)
    reducible = allocate(exact.fit, C).loss - TRUE["E"]
    assert found.gain.value == pytest.approx(reducible * (1 - 2**-GAMMA), rel=1e-3)
    back = worth(exact, C, found.gain.value)
    assert back.factor.value == pytest.approx(2.0, rel=1e-8)
    assert worth(exact, C, 2 * reducible).factor.value == np.inf


def test_what_is_worth_a_gap_has_an_interval_around_it(noisy):
    found = worth(noisy, C, 0.05)
    low, high = found.factor.interval
    assert 1 < low < found.factor.value < high and found.determined


@pytest.mark.parametrize("which", ["exact", "tilted"])
@pytest.mark.parametrize("tokens", [1e8, 1e10])
def test_with_inference_the_cheapest_model_is_the_one_a_grid_finds(which, tokens, request):
    surface = request.getfixturevalue(which)
    found = serve(surface, tokens, flops=C)
    params, cost = surface.fit.params, surface.cost
    loss = allocate(surface.fit, C).loss

    def total(ln_n: float) -> float:
        rest = loss - params["E"] - params["A"] * np.exp(-params["alpha"] * ln_n)
        if rest <= 0:
            return np.inf
        d = (params["B"] / rest) ** (1 / params["beta"])
        return float(cost.flops(np.exp(ln_n), d + tokens / 3))

    grid = np.linspace(np.log(found.n.value) - 3, np.log(found.n.value) + 3, 20001)
    every = np.array([total(x) for x in grid])
    assert found.total.value == pytest.approx(every.min(), rel=1e-6)
    assert np.log(found.n.value) == pytest.approx(grid[every.argmin()], abs=5e-3)
    assert surface.fit.predict(n=found.n.value, d=found.d.value) == pytest.approx(loss, rel=1e-9)
    assert found.n.value < found.optimal_n.value and found.total.value < found.optimal_total.value
    assert found.saved.value == pytest.approx(1 - found.total.value / found.optimal_total.value)


def test_without_inference_the_cheapest_model_is_chinchilla_s(exact):
    found = serve(exact, 1e-9, flops=C)
    assert (found.n.value, found.d.value) == pytest.approx((found.optimal_n.value, found.optimal_d.value), rel=1e-9)
    assert found.total.value == pytest.approx(C)
    by_loss = serve(exact, 1e10, loss=allocate(exact.fit, C).loss)
    assert by_loss.n.value == pytest.approx(serve(exact, 1e10, flops=C).n.value, rel=1e-6)


def test_with_hoffmann_s_constants_and_a_chinchilla_of_13b_the_cheapest_model_is_the_grid_s():
    base = fit(isoflop(), resamples=0)
    params = {"E": 1.69, "A": 406.4, "B": 410.7, "alpha": 0.336, "beta": 0.283}
    surface = Surface.of(replace(base, params=params))
    loss = 1.69 + 406.4 / 13e9**0.336 + 410.7 / 260e9**0.283
    found = serve(surface, 2e12, loss=loss)
    n = np.geomspace(1e9, 1e11, 200001)
    rest = loss - 1.69 - 406.4 * n**-0.336
    d = np.where(rest > 0, np.where(rest > 0, rest / 410.7, 1) ** (-1 / 0.283), np.inf)
    cost = 6 * n * d + 2 * n * 2e12
    assert found.total.value == pytest.approx(cost.min(), rel=1e-6)
    assert found.n.value == pytest.approx(n[cost.argmin()], rel=1e-3)


def test_borrowed_repeats_follow_muennighoff_s_formula(exact):
    n, d, u = 3e5, 1e8, 1e7
    found = repetition(exact, u, n, d)
    effective = u + u * BORROWED["R_D"] * (1 - np.exp(-(d / u - 1) / BORROWED["R_D"]))
    assert found.borrowed and found.effective_tokens.value == pytest.approx(effective)
    optimal = (TRUE["alpha"] * TRUE["A"] / (TRUE["beta"] * TRUE["B"]) * u ** TRUE["beta"]) ** (1 / TRUE["alpha"])
    u_n = min(optimal, n)
    n_effective = u_n + u_n * BORROWED["R_N"] * (1 - np.exp(-(n / u_n - 1) / BORROWED["R_N"]))
    assert found.repeated.value == pytest.approx(float(loss_of(np.array(n_effective), np.array(effective))), rel=1e-5)
    assert found.cost.value > 0 and found.epochs.value == 10


def test_at_the_epochs_said_a_further_token_is_worth_half(exact):
    u = 1e7
    epochs = repetition(exact, u, 3e5, 1e8).half_worth_epochs.value
    assert epochs == pytest.approx(1 + BORROWED["R_D"] * np.log(2))
    d = u * epochs
    low, high = (float(Limited(exact, u).effective_tokens(x)[0]) for x in (d - 1e3, d + 1e3))
    assert (high - low) / 2e3 == pytest.approx(0.5, rel=1e-4)


def test_enough_unique_tokens_cost_nothing(exact):
    found = repetition(exact, 1e12, 3e5, 1e8)
    assert found.cost.value == pytest.approx(0, abs=1e-12) and found.epochs.value == 1


def test_a_law_fitted_to_repeats_answers_by_its_own_constants():
    surface = Surface.of(fit(repeated(), "data-constrained", resamples=0))
    found = repetition(surface, 1e7, 3e5, 1e8)
    assert not found.borrowed
    assert found.half_worth_epochs.value == pytest.approx(1 + surface.fit.params["R_D"] * np.log(2))
    assert found.repeated.value == pytest.approx(float(surface.fit.predict(n=3e5, d=1e8, u=1e7)), rel=1e-12)


@pytest.mark.parametrize("unique", [1e6, 1e7])
def test_the_best_use_of_compute_with_few_tokens_is_the_one_a_grid_finds(exact, unique):
    limited = Limited(exact, unique)
    n_S, d_S = limited.optimum(C)
    assert 6 * n_S[0] * d_S[0] == pytest.approx(C)
    every = np.exp(np.linspace(-4, 4, 4001)) * exact.optimum(C)[0]
    loss = np.array([float(limited.loss(np.array([n]), np.array([C / 6 / n]))[0]) for n in every])
    assert float(limited.loss(n_S, d_S)[0]) <= loss.min() * (1 + 1e-12)
    assert np.log(n_S[0]) == pytest.approx(np.log(every[loss.argmin()]), abs=5e-3)


def test_the_compute_of_a_loss_is_the_root_of_the_frontier(exact):
    root = brentq(lambda x: allocate(exact.fit, np.exp(x)).loss - 2.5, 20, 60, xtol=1e-12)
    assert np.log(exact.compute_for(2.5)[0]) == pytest.approx(root, abs=1e-9)
    assert exact.compute_for(1.0)[0] == np.inf
