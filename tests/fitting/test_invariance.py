"""What may not matter to a fit, and what it must find again, for laws and truths drawn at random."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.fitting.designs import isoflop
from workbench.errors import BadInput
from workbench.fitting import fit
from workbench.fitting.laws import LAWS

few = settings(max_examples=5, deadline=None, derandomize=True)
N, D = (values.ravel() for values in np.meshgrid(np.geomspace(1e6, 1e9, 6), np.geomspace(1e8, 1e11, 6)))

exponents = st.floats(0.15, 0.8)


def table_of(law: str, truth: dict[str, float]) -> pd.DataFrame:
    table = pd.DataFrame({"n": N, "d": D, "c": 6 * N * D})
    columns = {name: table[name].to_numpy() for name in LAWS[law].columns}
    return table.assign(loss=LAWS[law].predict(truth, **columns))


@few
@given(st.floats(0.5, 3.0), st.floats(0.05, 1.5), st.floats(0.05, 1.5), exponents, exponents)
def test_a_chinchilla_law_drawn_at_random_is_found_again(e, size, data, alpha, beta):
    # Amplitudes by the share of each term at the middle of the design: seen, but not all there is.
    truth = {"E": e, "A": size * 3e7**alpha, "B": data * 3e9**beta, "alpha": alpha, "beta": beta}
    assert fit(table_of("chinchilla", truth), resamples=0).params == pytest.approx(truth, rel=1e-4)


@few
@given(st.floats(0.5, 3.0), st.floats(0.05, 1.5), st.floats(0.05, 1.5), exponents)
def test_a_tied_law_drawn_at_random_is_found_again(e, size, data, alpha):
    truth = {"E": e, "A": size * 3e7**alpha, "B": data * 3e9**alpha, "alpha": alpha}
    assert fit(table_of("chinchilla-tied", truth), "chinchilla-tied", resamples=0).params == pytest.approx(
        truth, rel=1e-4
    )


@few
@given(st.floats(0.05, 0.3), st.floats(0.05, 0.3), st.floats(1e11, 1e14), st.floats(1e11, 1e14))
def test_a_joint_law_of_kaplan_drawn_at_random_is_found_again(alpha_n, alpha_d, n_c, d_c):
    truth = {"alpha_N": alpha_n, "alpha_D": alpha_d, "N_c": n_c, "D_c": d_c}
    share = (n_c / 3e7) ** (alpha_n / alpha_d) / (d_c / 3e9)
    assume(0.05 < share < 20)  # either term alone would leave the other's parameters undetermined
    assert fit(table_of("kaplan-nd", truth), "kaplan-nd", resamples=0).params == pytest.approx(truth, rel=1e-3)


@few
@given(st.floats(-6, 6), st.floats(-6, 6), st.floats(-6, 6), st.sampled_from(["chinchilla", "kaplan-nd", "isoflop"]))
def test_units_do_not_matter(per_n, per_d, per_c, law):
    plain = isoflop(0.005)
    scaled = plain.assign(
        n=plain["n"] * 10**per_n, d=plain["d"] * 10**per_d, c=plain["c"] * 10**per_c,
        budget=plain["budget"] * 10**per_c,
    )  # fmt: skip
    before, after = fit(plain, law, resamples=0), fit(scaled, law, resamples=0)
    both = {**before.params, **before.derived}
    for name in ("E", "alpha", "beta", "alpha_N", "alpha_D", "a", "b"):
        if name in both:
            assert after.value(name) == pytest.approx(before.value(name), rel=1e-5)
    assert after.objective_value == pytest.approx(before.objective_value, rel=1e-7)


@few
@given(st.permutations(range(30)), st.sampled_from(["chinchilla", "isoflop", "envelope"]))
def test_the_order_of_rows_does_not_matter(order, law):
    plain = isoflop(0.005)
    before, after = fit(plain, law, resamples=0), fit(plain.iloc[list(order)], law, resamples=0)
    assert after.params == pytest.approx(before.params, rel=1e-6)


@few
@given(st.lists(st.integers(1, 4), min_size=30, max_size=30), st.sampled_from(["huber", "lad", "log-mse"]))
def test_rows_seen_often_are_rows_that_weigh_more(counts, objective):
    plain = isoflop(0.01, seed=1)
    repeated = plain.iloc[np.repeat(np.arange(30), counts)].reset_index(drop=True)
    weighted = plain.assign(weight=np.array(counts, dtype=float))
    one, other = (fit(table, objective=objective, resamples=0) for table in (repeated, weighted))
    assert other.objective_value == pytest.approx(one.objective_value, rel=1e-8)
    assert other.params == pytest.approx(one.params, rel=1e-4)


@few
@given(st.sets(st.integers(0, 29), max_size=6), st.sampled_from(["n", "d", "loss"]))
def test_rows_without_a_value_might_as_well_not_be_there(rows, column):
    plain = isoflop(0.005)
    holed, less = plain.copy(), plain.drop(index=list(rows))
    holed.loc[list(rows), column] = np.nan
    before, after = fit(less, resamples=0), fit(holed, resamples=0)
    assert after.params == pytest.approx(before.params, rel=1e-9) and after.n_points == 30 - len(rows)


@few
@given(st.integers(0, 29), st.sampled_from(["n", "d", "c", "loss"]), st.sampled_from([np.inf, -np.inf, 0.0, -1.0]))
def test_an_impossible_value_is_refused_by_column_and_row(row, column, value):
    table = isoflop(0.005)
    table.loc[row, column] = value
    with pytest.raises(BadInput, match=f"column {column}, row {row + 1}"):
        fit(table, resamples=0)


def test_ties_are_no_trouble():
    plain = isoflop(0.01, seed=1)
    twice = pd.concat([plain, plain], ignore_index=True)
    flat = plain.assign(loss=plain["loss"].round(1))
    assert fit(twice, resamples=0).params == pytest.approx(fit(plain, resamples=0).params, rel=1e-6)
    assert np.isfinite(list(fit(flat, objective="lad", resamples=20).params.values())).all()
