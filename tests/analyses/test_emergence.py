"""Task curves, against a simulated ability whose per-token probability climbs evenly while exact match leaps."""

import json

import numpy as np
import pytest

from tests.factories import make_runs
from workbench.analyses import emergence, thresholds
from workbench.fitting.record import Fit


@pytest.fixture(scope="module")
def tables():
    return make_runs(0)


@pytest.fixture(scope="module")
def points(tables):
    return emergence.task_points(tables[0], tables[2])


@pytest.fixture(scope="module")
def fitted(points):
    return thresholds.fits(emergence.drawn(points, "addition"), resamples=50)


def test_points_stand_at_their_runs_size(tables, points):
    runs = tables[0].set_index("run_id")
    assert (points["n"] == points["run_id"].map(runs["n_params"])).all()
    assert emergence.tasks_of(points) == ["addition"]


def test_rate_checks_and_unfinished_runs_are_left_out(tables, points):
    runs = tables[0]
    assert set(points["run_id"]) == set(runs.loc[runs["role"] != "rate", "run_id"])
    assert emergence.task_points(runs.assign(status="failed"), tables[2]).empty


def test_a_checkpoint_on_the_way_is_left_out(tables):
    earlier = tables[2].assign(step=1)
    assert emergence.task_points(tables[0], earlier).empty


def test_only_exact_match_has_a_chance_level(points):
    assert points.loc[points["metric"] == "exact_match", "chance"].notna().all()
    assert points.loc[points["metric"] == "token_probability", "chance"].isna().all()


def test_the_threshold_of_tokens_is_the_simulated_one(fitted):
    fit = fitted["token_probability", "1"]
    assert isinstance(fit, Fit)
    low, high = fit.interval("N_c")
    assert low / 1.1 < 10 ** (4.2 + 0.35) < high * 1.1


def test_exact_match_seems_to_emerge_later_and_sharper(fitted):
    for key in ("1", "2"):
        exact, token = fitted["exact_match", key], fitted["token_probability", key]
        assert isinstance(exact, Fit)
        assert isinstance(token, Fit)
        assert exact.params["N_c"] > token.params["N_c"]
        assert exact.params["width"] < token.params["width"]


def test_lines_cover_the_sizes_measured(fitted, points):
    lines = thresholds.lines(fitted, points)
    assert lines["n"].min() == pytest.approx(points["n"].min())
    assert lines["n"].max() == pytest.approx(points["n"].max())
    assert lines["value"].between(0, 1).all()


def test_a_curve_without_enough_sizes_is_listed_with_the_reason(points):
    few = points[points["n"].isin(sorted(points["n"].unique())[:2])]
    fitted = thresholds.fits(emergence.drawn(few, "addition"), resamples=0)
    table = thresholds.table(fitted)
    assert table["remark"].str.contains("at least four sizes").all()
    assert thresholds.lines(fitted, few).empty


def test_no_task_no_section(tables):
    other = tables[2].assign(probe="perplexity")
    assert emergence.blocks(tables[0], other) == []
    assert emergence.blocks(tables[0].iloc[:0], tables[2].iloc[:0]) == []


def test_broken_settings_are_still_a_task(tables):
    table = emergence.task_points(tables[0], tables[2].assign(settings="{"))
    assert emergence.tasks_of(table) == ["task"]


def test_items_of_one_size_fall_back_to_all(tables):
    whole = tables[2][tables[2]["key"] == "1"].assign(key="")
    shown = emergence.drawn(emergence.task_points(tables[0], whole), "addition")
    assert set(shown["key"]) == {""}
    assert set(shown["metric"]) == {"exact_match", "token_probability"}


def test_the_blocks_are_json(tables):
    for block in emergence.blocks(tables[0], tables[2], resamples=10):
        assert json.dumps(block.to_dict(), allow_nan=False, default=np.ndarray.tolist)
