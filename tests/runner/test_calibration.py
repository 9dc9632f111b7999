"""What was measured before is used again while it holds, and a broken cache costs no more than a measurement."""

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.runner.definitions import write_sweep
from tests.runner.test_plan import planned
from workbench.runner.calibration import KEPT, Calibrations, Timing
from workbench.runner.cost import calibrate, with_packs

FACTS = {"what": "seconds of a step", "windows": 3}


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.runner.calibration.busy", lambda: False)


def unexpected() -> float:
    raise AssertionError("measured, although it was known")


def test_a_second_plan_measures_nothing_and_says_the_same(tmp_path: Path) -> None:
    plan, _ = planned(write_sweep(tmp_path))
    said: list[str] = []
    first, second = (
        calibrate(
            plan.runs, "cpu", Calibrations(tmp_path / "calibration.json", measuring=lambda: said.append("timing"))
        )
        for _ in range(2)
    )
    assert said == ["timing"]
    assert [second(run) for run in plan.runs] == [first(run) for run in plan.runs]
    assert first.timing.words == "measured on this machine just now"
    assert second.timing.words.startswith(f"measured on this machine on {datetime.now(UTC):%Y-%m-%d}")
    assert second.timing.to_dict()["measured_now"] == 0


def test_gains_of_packs_are_kept_too(tmp_path: Path) -> None:
    plan, _ = planned(write_sweep(tmp_path, "\n[axes]\nseed = [0, 1, 2]\n"))
    plan = plan.timed(lambda _: 1.0)
    first, second = (
        with_packs(plan, plan.runs, 1, "cpu", calibrations=Calibrations(tmp_path / "calibration.json")).timing.to_dict()
        for _ in range(2)
    )
    assert first["measured_now"] == second["measured_before"] > 0 == second["measured_now"]


def test_rates_seeds_and_the_horizon_share_a_time_and_the_shape_does_not(tmp_path: Path) -> None:
    path, cache = write_sweep(tmp_path), Calibrations(tmp_path / "calibration.json")
    calibrate(planned(path)[0].runs, "cpu", cache)
    text = path.read_text()
    path.write_text(text.replace("eval_windows = 16", "eval_windows = 8\nlearning_rate = 0.5\nschedule = 'linear'"))
    assert calibrate(planned(path)[0].runs, "cpu", cache).timing.to_dict()["measured_now"] == 0
    path.write_text(text.replace("d_model = 4", "d_model = 6"))
    assert calibrate(planned(path)[0].runs, "cpu", cache).timing.to_dict()["measured_now"] > 0


def test_old_times_times_from_the_future_and_nonsense_are_measured_anew(tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    Calibrations(path).get(FACTS, lambda: 2.0)
    assert Calibrations(path).get(FACTS, unexpected).value == 2.0
    fresh = json.loads(path.read_text())
    (key,) = fresh["measured"]
    past, future = datetime.now(UTC) - KEPT, datetime.now(UTC) + timedelta(days=1)
    for change in (
        {"at": f"{past:%Y-%m-%dT%H:%M:%SZ}"},
        {"at": f"{future:%Y-%m-%dT%H:%M:%SZ}"},
        {"at": "yesterday"},
        {"value": float("nan")},
        {"value": -1.0},
        {"value": "fast"},
    ):
        path.write_text(json.dumps(fresh | {"measured": {key: fresh["measured"][key] | change}}))
        assert Calibrations(path).get(FACTS, lambda: 3.0).value == 3.0
        assert Calibrations(path).get(FACTS, unexpected).value == 3.0


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"format": 1}', '{"format": 9, "measured": {}}', "\x00"])
def test_a_broken_file_is_ignored_and_written_anew(tmp_path: Path, content: str) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(content)
    assert Calibrations(path).get(FACTS, lambda: 2.0).value == 2.0
    assert Calibrations(path).get(FACTS, unexpected).cached


def test_a_place_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert Calibrations(tmp_path / "file" / "calibration.json").get(FACTS, lambda: 2.0).value == 2.0


def test_asked_to_measure_anew_it_does(tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    Calibrations(path).get(FACTS, lambda: 2.0)
    assert Calibrations(path, anew=True).get(FACTS, lambda: 3.0).value == 3.0
    assert Calibrations(path).get(FACTS, unexpected).value == 3.0


def test_many_writers_at_once_leave_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"

    def write(number: int) -> None:
        for windows in range(10):
            Calibrations(path).get({"windows": windows, "number": number}, lambda: 1.0)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert json.loads(path.read_text())["measured"]
    assert not list(tmp_path.glob(".*.tmp"))


def test_what_is_measured_while_the_machine_is_busy_is_used_and_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.runner.calibration.busy", lambda: True)
    path = tmp_path / "calibration.json"
    taken = Calibrations(path).get(FACTS, lambda: 2.0)
    assert taken.value == 2.0 and taken.busy and not path.exists()
    assert Timing((taken,)).words == "measured on this machine just now, while it was busy"
