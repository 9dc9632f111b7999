"""The certificate finds every basin that a finer search finds, and says what it searched."""

import numpy as np
import pytest

from tests.fitting.designs import isoflop
from workbench.fitting.laws import LAWS
from workbench.fitting.laws.base import grid_of
from workbench.fitting.solving import certify as module
from workbench.fitting.solving.certify import certify, profiled
from workbench.fitting.solving.objectives import objective_named
from workbench.fitting.solving.problem import Problem
from workbench.fitting.solving.solver import minimise

LAW = LAWS["chinchilla"]


def problem_of(table, law="chinchilla", objective="huber") -> Problem:
    law = LAWS[law]
    x, y = np.log(table[list(law.columns)].to_numpy()), np.log(table["loss"].to_numpy())
    centred = x - x.mean(axis=0)
    return Problem(law, objective_named(objective, 1e-3), centred, (y - y.mean())[None], np.ones((1, len(y))))


@pytest.mark.parametrize("law", ["chinchilla", "chinchilla-tied", "kaplan-nd"])
@pytest.mark.parametrize("objective", ["huber", "lad", "log-mse", "mse"])
def test_no_start_of_the_law_ends_lower_than_the_certified_basin(law, objective):
    problem = problem_of(isoflop(0.01, seed=5), law, objective)
    certificate = certify(problem)
    starts = minimise(problem, LAWS[law].starts())
    assert certificate.dense and certificate.values_B[0] <= np.nanmin(starts.value_S) * (1 + 1e-9)
    assert certificate.left < 1e-8 or objective == "lad"


def test_the_objective_at_a_node_is_nearly_the_least_for_its_exponents():
    problem = problem_of(isoflop(0.01, seed=5))
    nodes = grid_of((np.array([0.2, 0.3, 0.45]), np.array([0.2, 0.3, 0.45])))
    theta, value = profiled(problem, nodes)
    exact = minimise(problem, theta, held=(3, 4))
    assert value == pytest.approx(exact.value_S, rel=0.1)
    assert (theta[:, 3:] == nodes).all()


def test_two_populations_of_runs_make_two_basins_and_both_are_found():
    steep, shallow = isoflop(), isoflop()
    steep["loss"] = 1.0 + 900.0 * steep["n"] ** -0.5 + 300.0 * steep["d"] ** -0.35
    both = steep.copy()
    both.loc[::2, "loss"] = 1.3 * shallow["loss"][::2]
    problem = problem_of(both, objective="lad")
    certificate = certify(problem)
    starts = minimise(problem, LAW.starts())
    lowest = np.nanmin(starts.value_S)
    near = starts.value_S[starts.value_S < lowest * 1.002]
    assert certificate.values_B[0] <= lowest * (1 + 1e-9)
    # Every low end of 144 blind starts is one of the certificate's basins, or next to one.
    for value in near:
        assert np.isclose(certificate.values_B, value, rtol=1e-3).any()


def test_a_long_table_is_searched_on_some_of_its_points_and_solved_on_all(monkeypatch):
    monkeypatch.setattr(module, "POINTS", 20)
    problem = problem_of(isoflop(0.01, seed=2))
    short = certify(problem)
    monkeypatch.undo()
    assert short.values_B[0] == pytest.approx(certify(problem).values_B[0], rel=1e-9)


def test_exponents_that_are_held_are_no_longer_searched():
    problem = problem_of(isoflop(0.01, seed=2))
    start = LAW.starts()[0].copy()
    start[4] = 0.367
    certificate = certify(problem, held=(4,), start_P=start)
    assert certificate.basins_BP[0, 4] == 0.367 and "24 × 1 values" in certificate.searched


def test_two_free_entries_are_laid_out_whatever_the_law():
    problem = problem_of(isoflop(0.01, seed=2))
    best = certify(problem).basins_BP[0]
    certificate = certify(problem, held=(0, 3, 4), start_P=best)
    assert certificate.dense and "ln A × ln B" in certificate.searched
    assert certificate.basins_BP[0] == pytest.approx(best, abs=1e-6)


def test_basins_not_much_higher_are_rivals():
    values = np.array([1.0, 1.03, 1.8])
    certificate = module.Certificate(np.eye(3), values, 0.0, "a grid", 3, 1.0, True)
    assert len(certificate.rivals_BP) == 2
    assert certificate.to_dict()["runner_up"] == pytest.approx(0.03)
