"""Mixtures against Ye et al.'s formula, and one loss from another against Brandfonbrener et al.'s."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fitting.laws import checks
from workbench.errors import BadInput
from workbench.fitting import NotIdentifiable
from workbench.fitting.laws.mixture import LossToLoss, Mixture


def shares(domains: tuple[str, ...], many: int = 24) -> dict[str, np.ndarray]:
    drawn = np.random.default_rng(0).dirichlet(np.ones(len(domains)), many)
    return {f"share_{domain}": drawn[:, j] for j, domain in enumerate(domains)}


TWO = checks.Case(
    Mixture(("web", "code")),
    {"c": 1.6, "k": 0.9, "t_web": -0.8, "t_code": 0.8},
    shares(("web", "code")),
    lambda share_web, share_code: 1.6 + 0.9 * np.exp(-0.8 * share_web + 0.8 * share_code),
)
FOUR = checks.Case(
    Mixture().configured(domains=["web", "code", "books", "papers"]),
    {"c": 1.6, "k": 0.9, "t_web": -1.2, "t_code": 0.9, "t_books": -0.2, "t_papers": 0.5},
    shares(("web", "code", "books", "papers")),
    lambda share_web, share_code, share_books, share_papers: (
        1.6 + 0.9 * np.exp(-1.2 * share_web + 0.9 * share_code - 0.2 * share_books + 0.5 * share_papers)
    ),
)
OTHER = checks.Case(
    LossToLoss(),
    {"K": 0.8, "kappa": 1.15, "E_0": 1.7, "E_1": 0.6},
    {"source_loss": 1.75 + np.geomspace(0.02, 2.0, 20)},
    lambda source_loss: 0.8 * (source_loss - 1.7) ** 1.15 + 0.6,
    units=("source_loss",),
)
CASES = {"two domains": TWO, "four domains": FOUR, "loss to loss": OTHER}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("check", [*checks.EACH, checks.amplitudes_are_linear_given_the_rest], ids=lambda c: c.__name__)
def test_the_law(check, case):
    check(case)


def test_the_domains_are_those_of_the_table():
    table = pd.DataFrame({"loss": [2.0], "share_web": [0.7], "share_code": [0.3]})
    law = Mixture().configured(**Mixture.setting_of(table))
    assert law.columns == ("share_web", "share_code")


def test_effects_of_any_sum_are_one_law():
    published = {"c": 1.6, "k": 0.9 * np.exp(0.4), "t_web": -1.2, "t_code": 0.4}
    centre_F = np.zeros(2)
    back = TWO.law.to_params(TWO.law.from_params(published, centre_F, 0.5)[None], centre_F, 0.5)
    assert back["t_web"] + back["t_code"] == pytest.approx([0.0])
    params = {name: float(value[0]) for name, value in back.items()}
    assert TWO.law.predict(params, **TWO.columns) == pytest.approx(TWO.law.predict(published, **TWO.columns))


@pytest.mark.parametrize("factor", [0.5, 1.1])
def test_shares_that_are_no_shares_are_refused(factor):
    wrong = {name: factor * values for name, values in TWO.columns.items()}
    with pytest.raises(BadInput, match=r"share_web, share_code of a run sum to .*must sum to 1"):
        TWO.law.features(wrong)


def test_one_domain_is_no_mixture():
    with pytest.raises(NotIdentifiable, match="needs two columns share_<domain> or more; there is one"):
        Mixture().configured(**Mixture.setting_of(pd.DataFrame({"share_web": [1.0]})))


def test_percentages_rounded_in_the_table_are_taken():
    rounded = replace(TWO, columns={name: np.round(values, 2) for name, values in TWO.columns.items()})
    assert rounded.x_MF.sum(axis=1) == pytest.approx(1, abs=1e-12)


def test_a_source_loss_below_its_floor_gives_the_floor():
    assert OTHER.law.predict(OTHER.params, source_loss=np.array([1.0, 1.7])) == pytest.approx([0.6, 0.6])


@settings(max_examples=2, deadline=None, derandomize=True)
@given(exponent=st.floats(-3, 3), seed=st.integers(0, 99))
def test_neither_units_nor_order_matter(exponent, seed):
    checks.units_do_not_matter(OTHER, 10**exponent, noise=1e-3)
    checks.the_order_of_rows_does_not_matter(FOUR, seed)
