"""Deaths that are tried again, and those that are not."""

import signal
from dataclasses import replace

import pytest

from tests.runner.definitions import write_sweep
from workbench.corpus.prepare import prepare
from workbench.runner.definition import read_definition
from workbench.runner.jobs import Job
from workbench.runner.plan import plan_sweep
from workbench.runner.retries import Death, Retries, with_less_memory

KILLED = Death(-signal.SIGKILL, "", step=10)


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    folder = tmp_path_factory.mktemp("retries")
    path = write_sweep(folder)
    definition = read_definition(path)
    corpus = prepare(definition.corpus, root=folder / "corpora")
    first, second, *_ = plan_sweep(definition, str(path), corpus).runs
    return Job(first, "tiny", folder, corpus.folder, others=(second,))


@pytest.fixture
def single(job: Job) -> Job:
    return job.each[0]


def test_a_killed_worker_is_tried_again_a_bounded_number_of_times(single: Job) -> None:
    retries = Retries(most=2)
    assert retries.after(single, KILLED)[0] == [single]
    assert retries.after(single, KILLED)[0] == [single]
    again, sentence = retries.after(single, KILLED)
    assert again == []
    assert "killed by SIGKILL, as the system does when memory runs out (3 times at step 10)" in sentence


def test_one_that_comes_further_each_time_is_tried_for_as_long_as_it_does(single: Job) -> None:
    retries = Retries(most=1)
    for step in range(20):
        assert retries.after(single, replace(KILLED, step=step))[0] == [single]


def test_the_same_exception_in_the_same_place_is_not_tried_a_third_time(single: Job) -> None:
    retries, death = Retries(most=5), Death(1, "ValueError: no\nTraceback …", step=3)
    assert retries.after(single, death) == ([single], "ValueError: no; tried again from step 3")
    assert retries.after(single, death) == ([], "ValueError: no (2 times at step 3)")


@pytest.mark.parametrize(
    "death",
    [
        Death(1, "OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB", 0),
        Death(1, "RuntimeError: [enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory", 0),
        Death(1, "MemoryError: ", 0),
        replace(KILLED, killed_for_memory=True),
    ],
)
def test_want_of_memory_halves_the_micro_batch_down_to_one_window(single: Job, death: Death) -> None:
    retries, sizes = Retries(), [single.micro_batch]
    while jobs := retries.after(single, death)[0]:
        (single,) = jobs
        sizes.append(single.micro_batch)
    assert sizes == [4, 2, 1]
    assert single.run.horizon.batch_windows == 4
    assert "even with one window at a time" in retries.after(single, death)[1]


def test_a_pack_that_does_not_fit_is_trained_one_by_one(job: Job) -> None:
    assert with_less_memory(job) == list(job.each)


def test_what_is_not_memory_is_not_taken_for_it() -> None:
    assert not KILLED.out_of_memory
    assert not Death(1, "ValueError: the corpus is too small", 0).out_of_memory
    assert not Death(-signal.SIGSEGV, "", 0, killed_for_memory=True).out_of_memory
