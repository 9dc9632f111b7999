"""Published laws by their printed constants: what the papers themselves say of them."""

import numpy as np
import pytest

from tests.factories import make_store
from workbench.analyses import law_fits, published_laws, views
from workbench.analyses.law_fits import LawAsk
from workbench.analyses.published_views import LEVELS
from workbench.analyses.selection import Selection
from workbench.fitting import Fit, allocate
from workbench.reporting.document import Figure, Table

GOPHER = 5.76e23
"""FLOPs of Gopher's training, which Hoffmann et al. set as the budget of Chinchilla."""


def optimum(source: str, flops: float) -> tuple[float, float, float]:
    law = next(law for law in published_laws.PUBLISHED_LAWS if law.source.startswith(source))
    n, d, loss = law.optimum(np.array([flops]))
    return float(n[0]), float(d[0]), float(loss[0])


def test_hoffmanns_parametric_law_gives_their_forty_billion_parameters_at_gophers_budget():
    n, d, _ = optimum("Hoffmann", GOPHER)
    assert n == pytest.approx(40e9, rel=0.05)  # their section 3.3: "40B parameters"
    assert 6 * n * d == pytest.approx(GOPHER)


def test_besiroglus_law_asks_for_about_twenty_tokens_per_parameter_there():
    n, d, _ = optimum("Besiroglu", GOPHER)
    assert 15 < d / n < 30
    assert n == pytest.approx(70e9, rel=0.15)


def test_the_slopes_of_the_loss_are_those_of_the_papers_constants():
    gamma = {law.source.split()[0]: law.slopes["gamma"] for law in published_laws.PUBLISHED_LAWS}
    assert gamma["Kaplan"] == pytest.approx(0.050)
    assert gamma["Hoffmann"] == pytest.approx(0.33917 * 0.28491 / (0.33917 + 0.28491), rel=1e-4)


def test_kaplans_constants_agree_with_one_another():
    # At the critical batch twice the least compute is spent: C = 2·C_min = 6ND (their section 6.1).
    for days in (1e-3, 1.0, 1e2):
        n, d, _ = optimum("Kaplan", days * published_laws.PETAFLOP_DAY)
        assert 6 * n * d == pytest.approx(2 * days * published_laws.PETAFLOP_DAY, rel=0.12)


@pytest.mark.parametrize(("source", "a"), [("Kaplan", 0.73), ("Hoffmann", 0.46), ("Besiroglu", 0.513)])
def test_slopes_are_the_exponents_they_state(source: str, a: float):
    low, high = optimum(source, 1e19), optimum(source, 1e21)
    assert np.log(high[0] / low[0]) / np.log(100) == pytest.approx(a, abs=0.005)


def test_our_line_is_the_allocation_and_losses_are_shown_with_what_they_are_worth(tmp_path):
    selection = Selection(make_store(tmp_path / "simulated"), resamples=30)
    blocks = views.view("published").draw(selection, views.asked("published", []))
    figure = next(block for block in blocks if isinstance(block, Figure))
    ours = figure.data[figure.data["source"] == "this fit"]
    fit = law_fits.fitted(selection, LawAsk())
    assert isinstance(fit, Fit)
    assert ours["n"].iloc[-1] == pytest.approx(allocate(fit, float(ours["flops"].iloc[-1])).n)
    assert LEVELS not in figure.caption
    table = next(block for block in blocks if isinstance(block, Table))
    slope = np.log(ours["n"].iloc[-1] / ours["n"].iloc[0]) / np.log(ours["flops"].iloc[-1] / ours["flops"].iloc[0])
    assert table.rows[0]["a"] == pytest.approx(slope)
    losses = views.view("published").draw(selection, views.asked("published", ["show=loss"]))
    assert LEVELS in next(block for block in losses if isinstance(block, Figure)).caption
