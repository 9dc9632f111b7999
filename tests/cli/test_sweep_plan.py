"""What a plan prints: every run, all in sum, money where a price is given, and where its times come from."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.runner.definitions import write_sweep
from workbench.cli.sweep_plan import spoken


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


def test_a_duration_is_said_in_the_unit_that_fits() -> None:
    seconds = (3, 600, 36_000, 10 * 86_400, 86_400 * 365.25 * 3, 3e25)
    assert [spoken(each) for each in seconds] == ["3 s", "10 min", "10.0 h", "10 days", "3 years", "9.51e+17 years"]


def test_a_plan_that_nobody_will_see_the_end_of_is_warned_of(run, tmp_path: Path) -> None:
    path = write_sweep(tmp_path)
    path.write_text(path.read_text().replace("[3e7, 6e7]", "[3e7, 1e30]"))
    found = plan(run, tmp_path)
    assert "longer than a person lives" in found["warnings"][-1] and "1e+30" in found["warnings"][-1]


def test_warnings_are_said_before_anything_is_trained_and_not_again(run, tmp_path: Path) -> None:
    path, store = write_sweep(tmp_path), tmp_path / "store"
    args = (path, "--store", store, "--workers", 1, "--device", "cpu")
    code, out, err = run("sweep", "plan", *args)
    assert code == 0 and "Warning: design.levels has 2 levels" in err
    assert "left, about" in out and "on 1 worker (" in out and " <1 MiB" in out
    _, _, err = run("sweep", "run", *args)
    assert err.count("Warning: design.levels has 2 levels") == 1 and "4 of 4 runs to train on 1 worker," in err
    for again in (("run", *args), ("status", path, "--store", store)):
        assert "design.levels" not in run("sweep", *again)[2]


def test_a_plan_that_is_terminated_leaves_as_one_that_is_interrupted(tmp_path: Path) -> None:
    path = write_sweep(tmp_path)
    call = "import os, signal; from workbench.cli import main; from workbench.runner import plan\n"
    call += "plan.prepare = lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM)\n"
    call += f"main.main(['sweep', 'plan', {str(path)!r}])"
    done = subprocess.run([sys.executable, "-c", call], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (75, "", "\nStopped.\n")  # the empty line is for ^C
