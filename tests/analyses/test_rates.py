"""Best rates, against parabolas in the logarithm of the rate whose vertex is known."""

import numpy as np
import pandas as pd
import pytest

from workbench.analyses.rates import optima, points

RATES = (0.001, 0.002, 0.004, 0.008)


def runs(best: float, status: dict[float, str] | None = None) -> pd.DataFrame:
    rows = [
        {
            "run_id": f"{rate}/{seed}", "status": (status or {}).get(rate, "done"), "d_model": 16,
            "learning_rate": rate, "seed_init": seed, "loss": 2 + 0.1 * np.log(rate / best) ** 2 + 0.0002 * seed,
            "config": '{"model": {}}',
        }
        for rate in RATES
        for seed in (0, 1)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def found(frame: pd.DataFrame) -> pd.Series:
    return optima(points(frame, {"name": "s", "runs": frame[["run_id"]].to_dict("records")})).iloc[0]


def test_the_vertex_is_the_best_rate() -> None:
    best = found(runs(0.003))
    assert best["inside"] and best["rate"] == pytest.approx(0.003) and best["low"] < 0.003 < best["high"]


def test_a_diverged_rate_brackets_and_is_not_the_best() -> None:
    """Without it the largest rate that did not diverge would look like the edge of what was tried."""
    best = found(runs(0.004, {0.008: "diverged"}))
    assert best["inside"] and best["rate"] == pytest.approx(0.004)


def test_a_rate_at_which_one_seed_diverged_is_not_judged_by_the_other() -> None:
    frame = runs(0.008)
    frame.loc[frame["run_id"] == "0.008/1", "status"] = "diverged"
    assert found(frame)["rate"] == pytest.approx(0.004)
