"""What is sent to another machine comes out as it went in, and every ending of a worker is told for what it is."""

import json
import math
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.runner.definitions import write_sweep
from workbench.corpus.prepare import prepare
from workbench.corpus.shards import Corpus
from workbench.errors import BadInput
from workbench.runner.definition import Asked, read_definition
from workbench.runner.description import described, read_description
from workbench.runner.ending import BUSY_EXIT_CODE, Ending
from workbench.runner.jobs import Job
from workbench.runner.plan import plan_run, plan_sweep
from workbench.runner.supervisor import Supervisor, leave_file
from workbench.store import Store


@pytest.fixture
def job(tmp_path: Path) -> Job:
    path = write_sweep(tmp_path)
    definition = read_definition(path)
    corpus = prepare(definition.corpus, root=tmp_path / "corpora")
    first, second, *_ = plan_sweep(definition, str(path), corpus).runs
    store = Store.create(tmp_path / "store")
    (store.folder / "live").mkdir()
    first = replace(first, seconds=1.5, level=math.nan)
    return Job(first, "tiny", store.folder, corpus.folder, others=(second,))


def test_a_job_is_the_same_after_its_description_but_for_the_runners_guess_of_its_time(job: Job) -> None:
    again = read_description(described(job.on("cpu")))
    forgotten: dict[str, Any] = {"seconds": None, "level": None}
    assert [replace(run, **forgotten) for run in again.runs] == [
        replace(run, **forgotten) for run in job.on("cpu").runs
    ]
    assert math.isnan(again.run.level) and again.others[0].level == job.others[0].level
    assert replace(again, run=job.run, others=job.others) == job
    json.loads(described(job), parse_constant=pytest.fail)  # NaN is not JSON


def test_a_machine_that_would_train_another_run_refuses(job: Job) -> None:
    document = json.loads(described(job))
    document["runs"][0]["config"]["seed_init"] += 1
    with pytest.raises(BadInput, match="install the same version of the workbench on every machine"):
        read_description(json.dumps(document))
    with pytest.raises(BadInput, match=r"workbench .* is installed where the worker runs, and 0\.0 where"):
        read_description(json.dumps({**document, "version": "0.0"}))


def test_a_machine_that_does_not_see_the_folders_says_which(job: Job) -> None:
    for name in ("corpus", "store"):
        document = {**json.loads(described(job)), name: "/not/here"}
        ending = Supervisor(json.dumps(document), "/not/here/either").supervise()
        assert ending.exit_code == BadInput.exit_code
        assert ending.words.startswith("/not/here: not there on ")


def test_a_job_that_is_to_leave_before_it_begins_does_not_begin(job: Job) -> None:
    leave = leave_file(job.store)
    leave.touch()
    assert Supervisor(described(job), str(leave)).supervise() == Ending(75)
    assert len(Store(job.store).runs()) == 0


def test_a_worker_that_trains_to_the_end_and_one_that_comes_too_late(job: Job) -> None:
    supervisor = Supervisor(described(job.each[0].on("cpu")), str(leave_file(job.store)), server=True)
    assert supervisor() == {"exit_code": 0, "words": "", "killed_for_memory": False, "lost": ""}
    assert supervisor.supervise().exit_code == BUSY_EXIT_CODE
    assert Store(job.store).run(job.run.run_id)["status"] == "done"


@pytest.mark.parametrize("asked", [True, False], ids=["asked", "not asked"])
def test_a_stop_that_was_asked_for_is_told_from_one_that_the_machine_wanted(job: Job, asked: bool) -> None:
    """The latter is tried again by the runner, which stopped nothing."""
    leave = leave_file(job.store)
    horizon = job.run.config.train.model_copy(update={"flops": 3e10})
    config = job.run.config.model_copy(update={"train": horizon})
    run = plan_run(Asked(config, "long", 3e10, "grid"), "isoflop", Corpus.open(job.corpus))
    supervisor = Supervisor(described(Job(run, "tiny", job.store, job.corpus).on("cpu")), str(leave), server=True)

    def disturb() -> None:
        while not list(Store(job.store).checkpoints(run.run_id).glob("*/state.json")):
            time.sleep(0.02)
        if asked:
            leave.touch()
        elif supervisor.worker and supervisor.worker.process.pid:
            os.kill(supervisor.worker.process.pid, signal.SIGTERM)

    thread = threading.Thread(target=disturb)
    thread.start()
    ending = supervisor.supervise()
    thread.join()
    assert list(Store(job.store).checkpoints(run.run_id).glob("*/optimizer.safetensors"))
    assert (ending == Ending(75)) if asked else ("was told to stop by its machine" in ending.lost)
