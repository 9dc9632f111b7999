"""Fits against published optima, known truths and SciPy, and what they take."""

import json
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from tests.factories import make_runs
from tests.fitting.designs import TRUE, isoflop
from workbench.errors import BadInput
from workbench.fitting import LAWS, Fit, NotIdentifiable, fit, fit_all, from_runs, read_table

PUBLISHED = {"A": 477.82587, "B": 2143.41737, "E": 1.8172181, "alpha": 0.3473105, "beta": 0.3671724}
PUBLISHED_LAD = {"A": 482.00598, "B": 2085.43581, "E": 1.8168641, "alpha": 0.3478131, "beta": 0.3658542}
PUBLISHED_SE = {"A": 124.52, "B": 1293.28, "E": 0.02566, "alpha": 0.01540, "beta": 0.02060}


@pytest.fixture(scope="module")
def chinchilla(shared_data) -> pd.DataFrame:
    columns = {"n": "params", "c": "flops", "loss": "loss"}
    return read_table(shared_data / "chinchilla_svg.csv", columns, "loss < 3.44")


def test_the_huber_optimum_of_the_chinchilla_table_is_the_published_one(chinchilla):
    found = fit(chinchilla, resamples=0)
    assert found.n_points == 240
    assert found.objective_value == pytest.approx(1.01827401780e-3, rel=1e-9)
    assert found.params == pytest.approx(PUBLISHED, rel=1e-7)
    certificate = found.diagnostics["certificate"]
    assert certificate["dense"] and certificate["basins"] == 1 and found.identified


def test_the_least_absolute_deviations_of_the_chinchilla_table_are_the_published_ones(chinchilla):
    found = fit(chinchilla, objective="lad", resamples=0)
    assert found.objective_value == pytest.approx(1.12949465, abs=1e-8)
    assert found.params == pytest.approx(PUBLISHED_LAD, rel=1e-5)


def test_case_resamples_of_the_chinchilla_table_have_the_published_standard_errors(chinchilla):
    found = fit(chinchilla, resamples=4000, intervals="cases")
    errors = {name: draws.std() for name, draws in found.draws().items()}
    for name, published in PUBLISHED_SE.items():
        assert errors[name] == pytest.approx(published, rel=0.15)
    assert found.interval("alpha") == pytest.approx((0.317, 0.373), abs=0.004)
    assert found.interval("a")[0] < 0.513 < found.interval("a")[1]


def test_no_other_optimizer_finds_a_lower_objective():
    table = isoflop(0.01, seed=3)
    found = fit(table, resamples=0)
    n, d, loss = (table[name].to_numpy() for name in ("n", "d", "loss"))

    def objective(theta):
        e, a, b, alpha, beta = theta
        r = np.abs(np.log(loss) - np.log(np.exp(e) + np.exp(a) * n**-alpha + np.exp(b) * d**-beta))
        return float(np.where(r <= 1e-3, r**2 / 2, 1e-3 * (r - 5e-4)).sum())

    p = found.params
    optimum = [np.log(p["E"]), np.log(p["A"]), np.log(p["B"]), p["alpha"], p["beta"]]
    assert objective(optimum) == pytest.approx(found.objective_value, rel=1e-10)
    rng = np.random.default_rng(0)
    for _ in range(3):
        start = np.array(optimum) + 0.05 * rng.standard_normal(5)
        other = minimize(objective, start, method="Nelder-Mead", options={"maxfev": 1000})
        assert other.fun >= found.objective_value * (1 - 1e-9)


@pytest.mark.parametrize("objective", ["huber", "lad", "log-mse", "mse"])
def test_every_objective_recovers_a_law_without_noise(objective):
    assert fit(isoflop(), objective=objective, resamples=0).params == pytest.approx(TRUE, rel=1e-5)


def test_a_noisy_law_lies_within_its_intervals():
    found = fit(isoflop(0.005, seed=12), resamples=300)
    for name, truth in TRUE.items():
        low, high = found.interval(name)
        assert low < truth < high and low < found.params[name] < high


def test_kaplan_nd_recovers_its_own_law():
    table = isoflop()
    table["loss"] = ((6.4e8 / table["n"]) ** (0.076 / 0.103) + 1.8e9 / table["d"]) ** 0.103
    truth = {"alpha_N": 0.076, "alpha_D": 0.103, "N_c": 6.4e8, "D_c": 1.8e9}
    assert fit(table, "kaplan-nd", resamples=0).params == pytest.approx(truth, rel=1e-4)


@settings(max_examples=4, deadline=None)
@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6))
def test_units_of_size_and_data_do_not_matter(per_n, per_d):
    plain = fit(isoflop(0.005), resamples=0)
    table = isoflop(0.005).assign(n=lambda t: t["n"] * per_n, d=lambda t: t["d"] * per_d)
    scaled = fit(table, resamples=0)
    assert scaled.objective_value == pytest.approx(plain.objective_value, rel=1e-8)
    for name in ("E", "alpha", "beta"):
        assert scaled.params[name] == pytest.approx(plain.params[name], rel=1e-5)
    assert scaled.params["A"] == pytest.approx(plain.params["A"] * per_n ** plain.params["alpha"], rel=1e-4)


@settings(max_examples=4, deadline=None)
@given(st.permutations(range(30)))
def test_the_order_of_rows_does_not_matter(order):
    table = isoflop(0.005)
    plain, shuffled = fit(table, resamples=0), fit(table.iloc[order], resamples=0)
    assert shuffled.params == pytest.approx(plain.params, rel=1e-6)


def test_the_same_seed_gives_the_same_intervals():
    first, again, other = (fit(isoflop(0.005), resamples=50, seed=seed, intervals="residuals") for seed in (1, 1, 2))
    assert first.intervals == again.intervals != other.intervals


def test_replicated_configurations_are_resampled_whole():
    table = pd.concat([isoflop(0.005, seed) for seed in range(3)], ignore_index=True)
    table["cluster"] = np.tile(np.arange(30), 3)
    table["loss"] *= np.exp(0.02 * np.random.default_rng(0).standard_normal(30))[table["cluster"]]
    assert "configurations" in fit(table, resamples=50).interval_method


def test_rows_without_a_loss_are_left_out_with_a_note():
    table = isoflop(0.005)
    table.loc[3, "loss"] = np.nan
    found = fit(table, resamples=0)
    assert found.n_points == 29
    assert any("1 run with a missing value" in note for note in found.notes)


def test_a_store_is_fitted_under_both_counts_of_parameters():
    runs, curves, _ = make_runs(0)
    found = fit_all(from_runs(runs, curves), resamples=0)
    assert {fit.convention for fit in found if fit.law == "chinchilla"} == {"n", "n_non_embedding"}
    total, other = found.get("chinchilla"), found.get("chinchilla", "n_non_embedding")
    assert total is not None and other is not None
    assert total.params["alpha"] == pytest.approx(0.35, abs=0.02)
    # Leaving the embeddings out tilts the answer, as in Porian et al. 2024 (2406.19146).
    assert other.derived["a"] > total.derived["a"] + 0.05
    assert total.n_points == 32 and any("rate checks" in note for note in total.notes)


def test_kaplan_n_is_fitted_to_the_longest_runs_where_data_no_longer_limits():
    rows = [(n, d, (1e8 / n) ** 0.07 * (1 + 1e5 / d)) for n in (1e4, 3e4, 1e5, 3e5) for d in (1e6, 1e9, 2e9)]
    table = pd.DataFrame(rows, columns=["n", "d", "loss"])
    found = fit(table, "kaplan-n", resamples=0)
    assert found.n_points == 4
    assert found.params["alpha_N"] == pytest.approx(0.07, rel=1e-3)


def test_a_table_of_sizes_and_losses_alone_is_fitted_by_the_law_of_sizes_alone():
    n = np.geomspace(1e6, 1e9, 6)
    found = fit_all(pd.DataFrame({"n": n, "loss": (8.8e13 / n) ** 0.076}), resamples=0)
    (only,) = found
    assert only.params == pytest.approx({"alpha_N": 0.076, "N_c": 8.8e13}, rel=1e-4)
    assert any("unlimited data" in note for note in only.notes)
    assert len(found.not_fitted) == 6


def test_kaplan_c_runs_along_the_minima_of_the_budgets():
    found = fit(isoflop(), "kaplan-c", resamples=0)
    assert found.n_points == 5 and any("isoFLOP minima of 5 budgets" in note for note in found.notes)
    narrow = isoflop(budgets=(1e11, 2e11, 4e11))
    with pytest.raises(NotIdentifiable, match="over a decade"):
        fit(narrow, "kaplan-c")


def test_a_law_can_be_configured():
    n = np.geomspace(1e5, 1e10, 40)
    truth = {"a": 1.5, "b": 300.0, "c_0": 0.4, "c_1": 0.3, "d_1": 1e7, "f_1": 0.3, "c_2": -0.2, "d_2": 1e9, "f_2": 0.3}
    law = LAWS["broken-n"].configured(breaks=2)
    table = pd.DataFrame({"n": n, "loss": law.predict(truth, n=n)})
    found = fit(table, "broken-n", resamples=0, setting={"breaks": 2})
    assert found.setting == {"breaks": 2} and len(found.params) == 9
    again = Fit.from_dict(json.loads(found.to_json()))
    assert again.predict(n=1e8) == pytest.approx(found.predict(n=1e8))
    with pytest.raises(BadInput, match="chinchilla has no setting 'breaks'"):
        fit(isoflop(), setting={"breaks": 2})
    with pytest.raises(BadInput, match="isoflop takes none"):
        fit(isoflop(), "isoflop", setting={"breaks": 2})


def test_parameters_can_be_held():
    table = isoflop(0.01)
    found = fit(table, resamples=20, fixed={"alpha": 0.35, "E": 1.8})
    assert found.params["alpha"] == 0.35 and found.params["E"] == pytest.approx(1.8)
    assert found.interval("alpha") == (0.35, 0.35) and any("Held: alpha = 0.35" in note for note in found.notes)
    assert found.objective_value >= fit(table, resamples=0).objective_value


def test_a_path_and_a_mapping_of_columns_are_tables(tmp_path):
    table = isoflop(0.002)
    table.to_csv(tmp_path / "runs.csv", index=False)
    found = fit(table, resamples=0)
    columns: dict[str, Any] = {str(name): values.to_list() for name, values in table.items()}
    sources: list[Any] = [tmp_path / "runs.csv", str(tmp_path / "runs.csv"), columns]
    for runs in sources:
        assert fit(runs, resamples=0).params == pytest.approx(found.params)
        assert fit_all(runs, ("chinchilla",), resamples=0).fits[0].params == pytest.approx(found.params)
    with pytest.raises(BadInput, match="table is a list; it must be a DataFrame, a mapping of columns or a path"):
        fit(cast(Any, [1, 2]), resamples=0)
    with pytest.raises(BadInput, match="no columns of one length"):
        fit({"n": [1, 2], "loss": [1]}, resamples=0)


def test_counts_of_n_go_by_what_people_call_them():
    table = isoflop(0.002).assign(n_non_embedding=lambda t: 0.7 * t["n"])
    assert fit(table, convention="non-embedding", resamples=0).convention == "n_non_embedding"
    assert fit(table, convention="total", resamples=0).convention == "n"
    assert [one.convention for one in fit_all(table, ("chinchilla",), resamples=0, convention="non-embedding")] == [
        "n_non_embedding"
    ]
    only = isoflop(0.002).rename(columns={"n": "non_embedding_params"})
    assert fit(only, convention="non-embedding", resamples=0).convention == "n"
    with pytest.raises(BadInput, match="convention is 'nonembedding'; did you mean non-embedding"):
        fit(table, convention="nonembedding")
    with pytest.raises(NotIdentifiable, match="needs the column n_non_embedding, a number of non-embedding parameters"):
        fit(isoflop(), convention="non-embedding")


def test_runs_that_diverged_are_left_out_as_advised(tmp_path):
    table = isoflop(0.002).astype({"loss": object})
    table.loc[3, "loss"] = "diverged"
    table.to_csv(tmp_path / "runs.csv", index=False)
    with pytest.raises(BadInput, match="row 4: 'diverged' is not a number; leave such runs out with --where") as caught:
        read_table(tmp_path / "runs.csv")
    where = str(caught.value).split("'")[3]
    assert len(read_table(tmp_path / "runs.csv", where=where)) == len(table) - 1
