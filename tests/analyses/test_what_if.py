"""What a budget buys, against closed forms and direct minimisation; and the words of the page against the numbers."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.optimize import minimize_scalar

from tests.factories import ALPHA, BETA, A, B, E, make_narrow, make_store
from workbench.analyses import law_fits, views, what_if
from workbench.analyses.budgets import Budget, BudgetAsk
from workbench.analyses.law_fits import LawAsk
from workbench.analyses.selection import Selection
from workbench.analyses.what_if import Answer, WhatIfAsk
from workbench.fitting import Fit, allocate, backtest, fit, prediction_interval
from workbench.fitting.forecasts.repeats import BORROWED
from workbench.fitting.tables import canonical
from workbench.reporting import formats
from workbench.reporting.document import Block, Figure, Table, Text

FLOPS = 1e14


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Selection:
    return Selection(make_store(tmp_path_factory.mktemp("what-if") / "simulated"), resamples=60)


@pytest.fixture(scope="module")
def exact() -> Fit:
    """A fit of noiseless losses of the law whose constants are known, C being 6ND."""
    import pandas as pd

    n, d = (axis.ravel() for axis in np.meshgrid(np.geomspace(1e4, 1e6, 5), np.geomspace(1e6, 1e8, 5)))
    table = canonical(pd.DataFrame({"n": n, "d": d, "c": 6 * n * d, "loss": E + A / n**ALPHA + B / d**BETA}))
    return fit(table, "chinchilla", "log-mse", resamples=0)


def loss(n: float, d: float) -> float:
    return float(E + A / n**ALPHA + B / d**BETA)


def asked(exact: Fit, **what: Any) -> Answer:
    return what_if.answered(exact, WhatIfAsk(amount=FLOPS, **what), largest=1e12)


def draw(selection: Selection, name: str, *settings: str) -> list[Block]:
    return views.view(name).draw(selection, views.asked(name, settings))


def words(blocks: list[Block]) -> str:
    return " ".join(block.text for block in blocks if isinstance(block, Text))


def test_the_best_model_is_chinchillas_closed_form(exact: Fit):
    g = (ALPHA * A / (BETA * B)) ** (1 / (ALPHA + BETA))
    found = asked(exact).optimum
    assert found.n == pytest.approx(g * (FLOPS / 6) ** (BETA / (ALPHA + BETA)), rel=1e-4)
    assert found.d == pytest.approx((FLOPS / 6) ** (ALPHA / (ALPHA + BETA)) / g, rel=1e-4)


def test_a_model_of_a_given_ratio_spends_the_same_compute(exact: Fit):
    found = asked(exact, ratio=300.0).departed
    assert found is not None
    assert found.d / found.n == pytest.approx(300)
    assert 6 * found.n * found.d == pytest.approx(FLOPS)
    assert found.loss == pytest.approx(loss(found.n, found.d), rel=1e-6)
    best = asked(exact).optimum
    assert found.excess.value == pytest.approx(found.loss - best.loss, rel=1e-4)
    # As good at its own optimum: that compute is what the closed form of the least loss gives.
    gamma = ALPHA * BETA / (ALPHA + BETA)
    least = (found.loss - E) / (best.loss - E)
    assert found.overhead.value == pytest.approx(least ** (1 / gamma), rel=1e-3)


def test_with_few_distinct_tokens_the_best_model_is_that_of_direct_minimisation(exact: Fit):
    unique = 1e6
    found = asked(exact, unique_tokens=unique).limited
    assert found is not None and found.borrowed

    def repeated(ln_n: float) -> float:
        """Muennighoff et al. 2023, eq. 5 and 6, written out."""
        n, d = np.exp(ln_n), FLOPS / 6 / np.exp(ln_n)
        u_d = min(unique, d)
        d_worth = u_d + u_d * BORROWED["R_D"] * (1 - np.exp(-(d / u_d - 1) / BORROWED["R_D"]))
        u_n = min(n, (ALPHA * A / (BETA * B) * u_d**BETA) ** (1 / ALPHA))
        n_worth = u_n + u_n * BORROWED["R_N"] * (1 - np.exp(-(n / u_n - 1) / BORROWED["R_N"]))
        return loss(n_worth, d_worth)

    direct = minimize_scalar(repeated, bounds=(np.log(1e4), np.log(1e8)), method="bounded", options={"xatol": 1e-9})
    assert found.repeated.value == pytest.approx(direct.fun, rel=1e-6)
    assert found.n.value == pytest.approx(np.exp(direct.x), rel=1e-2)


def test_with_tokens_to_serve_the_model_is_the_cheapest_as_good(exact: Fit):
    served = 1e10
    found = asked(exact, inference_tokens=served).served
    best = asked(exact).optimum
    assert found is not None

    def cost(ln_n: float) -> float:
        """6ND + 2N·served on the curve of equal loss."""
        n = np.exp(ln_n)
        rest = best.loss - E - A / n**ALPHA
        return 6 * n * (B / rest) ** (1 / BETA) + 2 * n * served

    least = (A / (best.loss - E)) ** (1 / ALPHA)
    direct = minimize_scalar(cost, bounds=(np.log(1.01 * least), np.log(10 * best.n)), method="bounded")
    assert found.total.value == pytest.approx(direct.fun, rel=1e-4)
    assert found.n.value == pytest.approx(np.exp(direct.x), rel=1e-2)
    assert found.n.value < best.n
    assert found.optimal_total.value == pytest.approx(FLOPS + 2 * best.n * served, rel=1e-6)


def test_the_three_units_of_a_budget_turn_into_one_another():
    device = {"device_flops": 5e14, "utilisation": 0.5, "price": 3.0}
    spent = Budget.of(BudgetAsk(unit="hours", amount=10, **device), largest=1e12)
    assert spent.flops == pytest.approx(10 * 3600 * 5e14 * 0.5)
    assert spent.dollars == pytest.approx(30)
    for unit, amount in (("flops", spent.flops), ("money", 30.0)):
        assert Budget.of(BudgetAsk(unit=unit, amount=amount, **device), 1e12).hours == pytest.approx(10)
    assert Budget.of(BudgetAsk(), largest=1e12).flops == 1e13


@pytest.mark.parametrize(
    "wrong", [{"amount": 0}, {"utilisation": 1.5}, {"unit": "euros"}, {"ratio": 20, "size": 1e6}, {"unique_tokens": 1}]
)
def test_what_no_budget_can_be_is_refused(wrong: dict[str, Any]):
    with pytest.raises(ValidationError):
        WhatIfAsk(**wrong)


def test_the_figures_intervals_are_those_of_a_new_run_and_of_the_law(simulated: Selection):
    found = what_if.answer(simulated, WhatIfAsk())
    assert isinstance(found, Answer)
    line = what_if.slices(found, unique=None)
    row = line.iloc[20]
    low, high = prediction_interval(found.fit, n=row["n"], d=row["d"])
    assert (row["run_low"], row["run_high"]) == pytest.approx((low[0], high[0]))
    assert (row["low"], row["high"]) == pytest.approx(
        tuple(float(end[0]) for end in found.fit.predict_interval(n=row["n"], d=row["d"]))
    )
    middle = line.iloc[int((line["n"] - found.optimum.n).abs().to_numpy().argmin())]
    assert middle["loss"] == pytest.approx(found.optimum.loss, rel=1e-3)
    assert found.fit.cost.flops(row["n"], row["d"]) == pytest.approx(found.budget.flops)


def test_every_number_of_the_answer_in_words_is_the_librarys(simulated: Selection):
    said = words(draw(simulated, "what-if"))
    law = law_fits.fitted(simulated, LawAsk())
    assert isinstance(law, Fit)
    largest = law_fits.largest(simulated)
    best = allocate(law, 10 * largest)
    for key, value in (("n", best.n), ("d", best.d)):
        assert f"{formats.count(value)} ({formats.show(list(best.intervals[key]), 'interval-count')})" in said
    assert f"{best.loss:.3f} ({formats.show(list(best.intervals['loss']), 'interval-loss')})" in said
    assert f"fall within {formats.show(list(best.intervals['run']), 'interval-loss')}" in said
    tested = backtest(law_fits.table(simulated), "chinchilla", resamples=simulated.resamples)
    side = "high" if tested.relative_error > 0 else "low"
    assert f"{formats.percent(abs(tested.relative_error))} too {side}" in said
    assert f"10 times the largest of the runs, {formats.power(largest)} FLOPs" in said


def test_the_table_holds_every_choice_asked_for(simulated: Selection):
    settings = ("ratio=200", "unique_tokens=1e7", "inference_tokens=1e9")
    blocks = draw(simulated, "what-if", *settings)
    table = next(block for block in blocks if isinstance(block, Table))
    found = what_if.answer(simulated, WhatIfAsk(ratio=200, unique_tokens=1e7, inference_tokens=1e9))
    assert isinstance(found, Answer) and found.departed and found.limited and found.served
    expected = [found.optimum.n, found.departed.n, found.limited.n.value, found.served.n.value]
    assert [row["n"] for row in table.rows] == expected
    assert "borrowed, not fitted: R_N* = 5.31 and R_D* = 15.4 of Muennighoff" in words(blocks)
    figure = next(block for block in blocks if isinstance(block, Figure))
    assert {"loss", "low", "high", "run_low", "run_high", "limited"} <= set(figure.data)


def test_far_beyond_the_runs_the_distance_is_said_and_no_number_pretends(simulated: Selection):
    blocks = draw(simulated, "what-if", "amount=1e40")
    assert "farther than anything these runs can say" in words(blocks)
    assert "Nothing was tested as far out as this budget" in words(blocks)
    assert not any(isinstance(block, Figure | Table) for block in blocks)


def test_runs_that_determine_no_law_give_words_and_published_laws_alone(simulated: Selection, tmp_path):
    narrow = Selection(make_narrow(simulated.folder, tmp_path / "narrow"), resamples=30)
    blocks = draw(narrow, "what-if")
    assert words(blocks).startswith("These runs do not determine parametric L(N, D)")
    assert not any(isinstance(block, Figure | Table) for block in blocks)
    blocks = draw(narrow, "published")
    assert "do not determine" in words(blocks)
    figure = next(block for block in blocks if isinstance(block, Figure))
    assert "this fit" not in set(figure.data["source"])
