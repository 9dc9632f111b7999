"""Multipliers read off losses that the family law gives exactly."""

import numpy as np
import pytest

from workbench.errors import BadInput
from workbench.fitting.pricing import Best, Floor, Noise, Pair, best_over_rates, worth

E, A, ALPHA, B, BETA = 1.0, 400.0, 0.6, 700.0, 0.5
GAMMA = ALPHA * BETA / (ALPHA + BETA)
FLOOR = Floor(np.full(51, E), np.full(51, GAMMA))


def pairs(kappa):
    terms = [A / n**ALPHA + B / d**BETA for n in (7e4, 3e5) for d in (5e5, 2e6)]
    return [Pair(Best(E + kappa**-GAMMA * t, 1, True, 0), Best(E + t, 1, True, 0)) for t in terms]


@pytest.mark.parametrize("kappa", [0.3, 1.0, 1.7])
def test_a_known_multiplier_is_recovered_at_every_point(kappa):
    found = worth(pairs(kappa), FLOOR, Noise(0.01, 24), np.random.default_rng(0))
    assert found.multiplier == pytest.approx(kappa) and found.by_point == pytest.approx([kappa] * 4)
    assert found.low < kappa < found.high and found.agreement == pytest.approx(1)


def test_the_vertex_of_a_parabola_is_found():
    best = best_over_rates([0, 1, 2], [(x - 1.2) ** 2 + 3 for x in (0, 1, 2)])
    assert best.loss == pytest.approx(3) and best.log_rate == pytest.approx(1.2) and best.inside


def test_a_best_rate_at_the_edge_is_not_bracketed_and_a_diverged_run_brackets():
    assert not best_over_rates([0, 1, 2], [1, 2, 3]).inside
    assert best_over_rates([0, 1, 2], [2, 1, np.inf]) == Best(1, 1, True, 1)


def test_a_loss_below_the_floor_is_refused():
    with pytest.raises(BadInput, match="irreducible"):
        worth(pairs(1.0), Floor(np.full(3, 9.0), np.full(3, 0.3)), Noise(0.01, 24), np.random.default_rng(0))


@pytest.mark.parametrize("freedom", [2, 6])
def test_points_that_agree_are_called_so_however_few_seeds_the_noise_is_known_from(freedom: int) -> None:
    """At a level of 1% some 1% of agreeing techniques are told apart; with the noise taken as known, 20% or 8%."""
    rng, many = np.random.default_rng(0), 400
    small = 0
    for _ in range(many):
        sides = 3 * np.exp(0.004 * rng.standard_normal((4, 2)))
        noise = Noise(0.004 * np.sqrt(rng.chisquare(freedom) / freedom), freedom)
        mine = [Pair(Best(a, 1, False, 0), Best(b, 1, False, 0)) for a, b in sides]
        small += worth(mine, FLOOR, noise, rng, draws=50).agreement < 0.01
    assert small / many < 0.03


def test_draws_of_a_floor_above_the_losses_are_counted() -> None:
    e = np.append(1.0, np.linspace(0.5, 4.5, 400))
    found = worth([Pair(Best(2.5, 1, True, 0), Best(2.6, 1, True, 0))], Floor(e, np.full(401, 0.3)), Noise(0.001, 9),
                  np.random.default_rng(0))  # fmt: skip
    assert found.left_out == pytest.approx(0.5, abs=0.02)
