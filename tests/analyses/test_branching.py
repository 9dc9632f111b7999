"""Branched against separate runs, of losses whose difference is known."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.analyses.branching import compare
from workbench.errors import BadInput


def sweep(name: str, shift: float, trunks: bool, seeds: int = 2) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Three sizes, four levels; losses that miss by a normal 1% and, where asked for, by a shift."""
    rng = np.random.default_rng(len(name))
    rows = [
        {
            "run_id": f"{name}-{n}-{level}-{seed}",
            "n_params": n,
            "level": level,
            "seed_init": seed,
            "seed_data": seed,
            "status": "done",
            "loss": (1 + 50 * n**-0.5 + 100 * level**-0.5) * np.exp(shift + 0.01 * rng.standard_normal()),
            "trunk_id": f"t-{n}-{seed}" if trunks else f"t-{n}-{seed}-{level}",
            "flops_spent": level * (0.2 if trunks and level < 8e5 else 1.0),
        }
        for n in (1000, 4000, 16000)
        for level in (1e5, 2e5, 4e5, 8e5)
        for seed in range(seeds)
    ]
    frame = pd.DataFrame(rows)
    manifest = {"name": name, "runs": frame[["run_id", "level"]].to_dict("records")}
    return frame.drop(columns="level"), manifest


@pytest.mark.parametrize(("shift", "agree"), [(0.0, True), (0.05, False)])
def test_a_known_difference_lies_in_its_interval(shift: float, agree: bool) -> None:
    (left, branched), (right, separate) = sweep("trunk", shift, True), sweep("separate", 0.0, False)
    found = compare(pd.concat([left, right]), branched, separate)
    assert all(found.levels["low"] < shift) and all(shift < found.levels["high"])
    assert len(found.agreeing) == (4 if agree else 0)
    assert found.noise == pytest.approx(0.01, rel=0.5)
    assert found.flops_share == pytest.approx((0.2 * 7 + 8) / 15)
    assert len(found.pairs) == 24


def test_a_run_of_both_sweeps_is_no_evidence() -> None:
    (left, branched), (right, separate) = sweep("trunk", 0.0, True), sweep("separate", 0.0, False)
    same = right["run_id"].str.contains("800000")
    shared = right.loc[same, "run_id"].str.replace("separate", "trunk")
    separate["runs"] = [{**one, "run_id": one["run_id"].replace("separate-", "trunk-")}
                        if one["level"] == 8e5 else one for one in separate["runs"]]  # fmt: skip
    found = compare(pd.concat([left, right[~same]]), branched, separate)
    assert set(left["run_id"]) >= set(shared) and len(found.pairs) == 18


def test_sweeps_without_trunks_or_seeds_are_refused() -> None:
    (left, branched), (right, separate) = sweep("trunk", 0.0, True), sweep("separate", 0.0, False)
    with pytest.raises(BadInput, match="no two of its runs share a trunk"):
        compare(pd.concat([left, right]), separate, branched)
    one, single = sweep("single", 0.0, True, seeds=1)
    with pytest.raises(BadInput, match="two seeds are needed"):
        compare(pd.concat([one, right]), single, separate)
