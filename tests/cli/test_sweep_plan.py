"""What a plan prints: every run, all in sum, money where a price is given, and where its times come from."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.runner.definitions import write_sweep


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("workbench.runner.calibration.busy", lambda: False)  # whatever else runs beside the tests


def plan(run, tmp_path: Path, *more: object) -> dict[str, Any]:
    code, out, _ = run("sweep", "plan", tmp_path / "tiny.toml", "--workers", 2, "--device", "cpu", "--json", *more)
    assert code == 0
    found: dict[str, Any] = json.loads(out)
    return found


def test_sums_are_those_of_the_runs_and_memory_of_the_largest_side_by_side(run, tmp_path: Path) -> None:
    write_sweep(tmp_path)
    found = plan(run, tmp_path)
    runs, total = found["runs"], found["total"]
    for key in ("n_params", "tokens", "flops", "steps", "seconds"):
        assert total[key] == pytest.approx(sum(one[key] for one in runs))
    assert total["memory_bytes"] == sum(sorted(one["memory_bytes"] for one in runs)[-2:])
    assert (total["runs"], total["done"], found["left"]["runs"]) == (4, 0, 4)
    assert "money" not in runs[0] and "price" not in found


def test_a_price_makes_money_of_every_run(run, tmp_path: Path) -> None:
    write_sweep(tmp_path)
    found = plan(run, tmp_path, "--price", 7200)  # two a second for the machine, which two workers share
    for one in found["runs"]:
        assert one["money"] == pytest.approx(one["seconds"])
    assert found["left"]["money"] == pytest.approx(found["total"]["seconds"])
    assert found["price"]["money_until_the_last_ends"] == pytest.approx(2 * found["seconds"])
    code, out, _ = run("sweep", "plan", tmp_path / "tiny.toml", "--workers", 2, "--device", "cpu", "--price", 7200)
    assert code == 0 and out.splitlines()[0].endswith("money") and "\nMoney: " in out


def test_times_are_kept_from_one_plan_to_the_next_and_recalibrate_measures_anew(run, tmp_path: Path) -> None:
    write_sweep(tmp_path)
    first, second = plan(run, tmp_path), plan(run, tmp_path)
    assert first["timing"]["measured_before"] == 0 and second["timing"]["measured_now"] == 0
    assert [one["seconds"] for one in second["runs"]] == [one["seconds"] for one in first["runs"]]
    assert plan(run, tmp_path, "--recalibrate")["timing"]["measured_before"] == 0


def test_a_sweep_that_was_run_says_what_it_cost(run, tmp_path: Path) -> None:
    write_sweep(tmp_path)
    args = ("sweep", "run", tmp_path / "tiny.toml", "--store", tmp_path / "store", "--workers", 2, "--device", "cpu")
    for trained in (4, 0):
        code, out, _ = run(*args, "--price", 2, "--json")
        price = json.loads(out)["price"]
        assert code == 0 and len(price["runs"]) == trained
        assert price["money"] == pytest.approx(sum(price["runs"].values()))
    found = plan(run, tmp_path, "--store", tmp_path / "store", "--price", 2)
    assert found["left"]["runs"] == 0 and found["left"]["money"] == 0


@pytest.mark.parametrize("price", ["0", "-1", "cheap"])
def test_a_price_that_is_none_is_refused(run, tmp_path: Path, price: str) -> None:
    code, _, err = run("sweep", "plan", tmp_path / "tiny.toml", "--price", price)
    assert code == 2 and "--price" in err
