"""Status looks at those runs one by one that have left something to look at, and says of all what is so."""

from pathlib import Path

import pytest

from tests.runner.definitions import write_sweep
from tests.runner.test_plan import planned
from workbench.runner import status
from workbench.runner.claims import claimed
from workbench.runner.status import statuses
from workbench.store import Store


def test_runs_that_left_nothing_are_not_looked_at_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, _ = planned(write_sweep(tmp_path, "\n[axes]\nseed = [0, 1, 2]\n"))
    store = Store.create(tmp_path / "store")
    looked: list[str] = []
    held = status.held

    def counted(store: Store, run_id: str) -> bool:
        looked.append(run_id)
        return held(store, run_id)

    monkeypatch.setattr(status, "held", counted)
    assert set(statuses(plan, store)["status"]) == {"waiting"} and looked == []
    running, interrupted = plan.runs[3].run_id, plan.runs[5].run_id
    (store.checkpoints(interrupted) / "40").mkdir(parents=True)
    with claimed(store, running):
        frame = statuses(plan, store).set_index("run_id")
    assert looked == [running]
    assert frame.loc[running, "status"] == "running"
    assert (frame.loc[interrupted, "status"], frame.loc[interrupted, "step"]) == ("interrupted", 40)
    assert (frame["status"] == "waiting").sum() == len(plan.runs) - 2
