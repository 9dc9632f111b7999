"""Prices of simulated variants whose multipliers are known, beside a simulated design."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.factories import ALPHA, BETA, E, make_runs
from workbench.analyses.prices import Prices, price
from workbench.analyses.prices_report import summary

GAMMA = ALPHA * BETA / (ALPHA + BETA)
POINTS = {("small", 1e6): 3.2, ("small", 4e6): 3.0, ("large", 1e6): 2.9, ("large", 4e6): 2.6}
"""(size, level) → the baseline's best loss."""


def variant(name: str, kappa: float, flops: float = 1.0, loss: float | None = None) -> pd.DataFrame:
    """Runs at three rates of which the middle is the best."""
    rows = [
        {
            "run_id": f"{name}/{size}/{level}/{rate}", "size": size, "level": level, "variant": name, "status": "done",
            "rate_factor": rate, "flops_executed": flops, "seconds": 1.0,
            "loss": (loss or E + kappa**-GAMMA * (least - E)) + (0 if rate == 1 else 0.5),
        }
        for (size, level), least in POINTS.items()
        for rate in (0.5, 1.0, 2.0)
    ]  # fmt: skip
    return pd.DataFrame(rows).assign(role="variant")


@pytest.fixture(scope="module")
def found() -> Prices:
    variants = pd.concat(
        [variant("baseline", 1), variant("good", 1.6), variant("dear", 1.6, flops=2), variant("below", 1, loss=0.5),
         variant("fewer", 1)[lambda rows: rows["rate_factor"] != 1]]
    )  # fmt: skip
    design = make_runs(0)[0]
    design = design[design["role"].isin(["grid", "seed"])].assign(size="", level=0.0, variant="")
    runs = pd.concat([design, variants], ignore_index=True)
    entries = runs[["run_id", "size", "level", "role", "variant"]].to_dict("records")
    changes: dict[str, dict[str, Any]] = {name: {} for name in ("baseline", "good", "dear", "below", "fewer")}
    manifest = {"name": "s", "runs": entries, "definition": {"variants": {"changes": changes}}}
    return price(runs.drop(columns=["size", "level", "variant"]), manifest, resamples=50)


def by_name(found: Prices) -> dict:
    return {one.variant: one for one in found.prices}


def test_a_known_multiplier_lies_in_its_interval(found: Prices) -> None:
    worth = by_name(found)["good"].worth
    assert worth is not None and worth.low < 1.6 < worth.high and worth.left_out == pytest.approx(0, abs=0.05)


def test_a_point_with_other_rates_than_the_baselines_has_no_price(found: Prices) -> None:
    fewer = by_name(found)["fewer"]
    assert fewer.worth is None and "rates other than the baseline's" in fewer.remark


def test_one_technique_below_the_floor_leaves_the_others_their_prices(found: Prices) -> None:
    below = by_name(found)["below"]
    assert below.worth is None and "is not above the law's irreducible loss" in below.remark


def test_the_summary_says_what_is_left_once_the_flops_are_paid(found: Prices) -> None:
    text = " ".join(summary(found))
    assert "Worth less: dear ×0.8" in text and np.isclose(by_name(found)["dear"].net[0], 0.8, rtol=0.1)


def test_the_noise_between_seeds_is_that_of_runs_alike_but_for_the_seed(found: Prices) -> None:
    """All points of the design here bear one size and level: told apart by these, they would be noise."""
    assert found.noise.sd < 0.01
