"""A sweep is watched while it trains: by the store's files alone, each read once, and never a number made up."""

import math
import time
from pathlib import Path

import pandas as pd
import pytest

from tests.cli.test_sweep_watch import running
from tests.factories import make_store
from tests.runner.definitions import write_sweep
from tests.runner.test_plan import planned
from workbench.analyses import live_view
from workbench.analyses.live import Look, Watch, to_watch
from workbench.analyses.live_left import left
from workbench.analyses.live_view import LiveAsk
from workbench.reporting.document import Figure
from workbench.runner.claims import claimed
from workbench.store import Store


@pytest.fixture
def begun(tmp_path: Path) -> tuple[Store, list[str]]:
    """A store with the manifest of a sweep of four runs, and their ids."""
    plan, corpus = planned(write_sweep(tmp_path))
    store = Store.create(tmp_path / "store")
    store.write_manifest(plan.timed(lambda run: run.horizon.flops / 1e7).manifest(corpus))
    return store, [run.run_id for run in plan.runs]


def row(step: int, seconds: float) -> str:
    return (
        f'{{"step": {step}, "tokens": {64 * step}, "flops": 1e3, "seconds": {seconds}, "learning_rate": 0.1, '
        f'"train_loss": {5 - step / 1000}, "grad_norm": 1.0, "loss": NaN, "bpb": NaN}}\n'
    )


@pytest.mark.slow
def test_a_real_sweep_advances_from_look_to_look_until_it_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    path = write_sweep(tmp_path)
    path.write_text(path.read_text().replace("[3e7, 6e7]", "[3e7, 1e9]"))
    looks: list[Look] = []
    with running(path, tmp_path / "store") as process:
        watch = Watch(Store(tmp_path / "store"), "tiny")
        end = time.monotonic() + 120
        while (not looks or not looks[-1].complete) and time.monotonic() < end:
            looks.append(watch.look())
            time.sleep(0.1)
        process.wait(timeout=60)
    steps = [int(look.runs["step"].sum()) for look in looks]
    assert steps == sorted(steps) and len(set(steps)) > 2
    assert any(look.workers and len(look.curves) for look in looks)
    remaining = [left(look) for look in looks]
    assert [one.flops for one in remaining] == sorted((one.flops for one in remaining), reverse=True)
    assert any(math.isfinite(one.seconds) and one.seconds > 0 for one in remaining)
    assert looks[-1].counts == {"done": 4}
    runs = Store(tmp_path / "store").runs()
    assert remaining[-1].flops == 0
    assert remaining[-1].spent == pytest.approx(runs["flops_spent"].sum())
    assert set(looks[-1].curves["run_id"]) == set(runs["run_id"])


def test_a_look_reads_only_the_rows_that_are_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Store(make_store(tmp_path / "whole"))
    rows = source.runs().to_dict("records")[:4]
    store = Store.create(tmp_path / "growing")
    store.write_manifest({"name": "s", "runs": [{"run_id": one["run_id"]} for one in rows]})
    asked: list[list[str]] = []
    by_id = Store.runs_by_id

    def counted(self: Store, run_ids: list[str]) -> pd.DataFrame:
        asked.append(sorted(run_ids))
        return by_id(self, asked[-1])

    monkeypatch.setattr(Store, "runs_by_id", counted)
    watch = Watch(store, "s")
    for many in range(1, 5):
        one = {str(key): value for key, value in rows[many - 1].items()}
        store.write_run(one, source.curves(str(one["run_id"])))
        asked.clear()
        for _ in range(3):
            look = watch.look()
        assert asked == [[one["run_id"]]]
        assert look.counts.get("done") == many
    assert look.complete and not look.training
    (store.folder / "runs" / f"{rows[0]['run_id']}.parquet").unlink()
    assert watch.look().counts == {"waiting": 1, "done": 3}


def test_time_left_follows_from_the_speed_of_the_runs_seen(begun: tuple[Store, list[str]]) -> None:
    store, runs = begun
    watch = Watch(store, "tiny")
    assert watch.look().counts == {"waiting": 4}
    assert math.isnan(left(watch.look()).seconds) and left(watch.look()).how == "no worker is training"
    frame = watch.look().runs.set_index("run_id")
    expected, steps = ([float(value) for value in frame.loc[runs, name]] for name in ("expected", "steps"))
    with claimed(store, runs[0]), claimed(store, runs[1]):
        assert "far enough" in left(watch.look()).how
        half = int(steps[0]) // 2
        store.live(runs[0]).write_text(row(half, 10.0))
        look = watch.look()
        remains = left(look)
    # One process holds both runs, so that the one seen has had half of its time: 5 s for half of its work.
    done = expected[0] * half / steps[0]
    speed = done / 5.0
    assert look.workers == 1
    assert remains.seconds == pytest.approx(max((sum(expected) - done) / speed, max(expected[1:]) / speed))
    flops = [float(value) for value in frame.loc[runs, "flops"]]
    assert remains.flops == pytest.approx(sum(flops) - flops[0] * half / steps[0])
    assert "1 worker is training 2 runs" in live_view.sentence(look, remains)


def test_a_manifest_of_before_gives_no_number(begun: tuple[Store, list[str]]) -> None:
    store, runs = begun
    store.write_manifest({"name": "tiny", "runs": [{"run_id": run_id} for run_id in runs]})
    with claimed(store, runs[0]):
        store.live(runs[0]).write_text(row(10, 3.0))
        look = Watch(store, "tiny").look()
    assert look.counts == {"running": 1, "waiting": 3}
    remains = left(look)
    assert math.isnan(remains.flops) and math.isnan(remains.seconds)
    assert "not known" in live_view.sentence(look, remains)
    assert all(isinstance(block, Figure) for block in live_view.figures(look, LiveAsk()))
    assert live_view.share(look, remains) == 0


def test_a_run_without_a_sign_of_a_step_is_told_from_one_that_runs(begun: tuple[Store, list[str]]) -> None:
    import os

    store, runs = begun
    with claimed(store, runs[2]):
        store.live(runs[2]).write_text(row(5, 1.0))
        os.utime(store.live(runs[2]), (time.time() - 300, time.time() - 300))
        look = Watch(store, "tiny").look()
    assert look.counts == {"silent": 1, "waiting": 3}
    said = " ".join(block.text for block in live_view.under_way(look) if hasattr(block, "text"))
    assert "no sign of a step for more than a minute" in said


def test_a_curve_that_is_begun_anew_or_resumed_has_each_step_once(begun: tuple[Store, list[str]]) -> None:
    store, runs = begun
    watch = Watch(store, "tiny")
    with claimed(store, runs[0]):
        live = store.live(runs[0])
        live.write_text(row(1, 1) + row(2, 2) + row(3, 3))
        assert watch.look().curves["step"].tolist() == [1, 2, 3]
        live.write_text(row(3, 3))  # resumed after step 2
        assert watch.look().curves["step"].tolist() == [1, 2, 3]
        with live.open("a") as file:
            file.write(row(4, 4) + row(5, 5)[:20])
        assert watch.look().curves["step"].tolist() == [1, 2, 3, 4]


def test_failed_runs_are_shown_with_their_last_lines(tmp_path: Path) -> None:
    source = Store(make_store(tmp_path / "whole"))
    one, two = source.runs().to_dict("records")[:2]
    store = Store.create(tmp_path / "store")
    lines = [f"line {number}" for number in range(100)]
    for run, changed in ((one, {"status": "failed", "error": "\n".join(["RuntimeError: no", *lines])}), (two, {})):
        store.write_run({str(key): value for key, value in (run | changed).items()}, source.curves(str(run["run_id"])))
    store.write_manifest({"name": "s", "runs": [{"run_id": run["run_id"], "size": "small"} for run in (one, two)]})
    look = Watch(store, "s").look()
    ((title, code),) = live_view.failures(look)
    assert title == f"{one['run_id']} (small) failed"
    assert code.code.startswith("RuntimeError: no\n…\nline 9") and code.code.endswith("line 99")
    assert look.complete and "1 failed" in live_view.sentence(look, left(look))
    assert left(look).flops == 0


def test_the_sweep_to_watch_is_the_chosen_one_or_the_one_that_trains(begun: tuple[Store, list[str]]) -> None:
    from workbench.runner.stopping import being_run

    store, _ = begun
    assert to_watch(store, None) == "tiny"
    store.write_manifest({"name": "other", "runs": []})
    assert to_watch(store, None) is None
    with being_run(store, "other"):
        assert to_watch(store, None) == "other" and to_watch(store, "tiny") == "tiny"


def test_watching_needs_no_torch() -> None:
    import subprocess
    import sys

    code = "import sys, workbench.analyses.live_view; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
