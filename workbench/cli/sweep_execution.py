"""A sweep that a person has trained: prepared, timed, packed, priced, and executed with live progress."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.cli.backends import Where, backend_at, local_backend
from workbench.cli.output import counted, say
from workbench.cli.sweep_plan import lifelong, spoken
from workbench.errors import Stopped

if TYPE_CHECKING:
    from workbench.corpus.shards import Corpus
    from workbench.runner.calibration import Calibrations
    from workbench.runner.local import LocalBackend
    from workbench.runner.plan import Plan, PlannedRun
    from workbench.runner.price import Price
    from workbench.runner.stopping import Asked
    from workbench.runner.sweep import SweepResult
    from workbench.store import Store


def make_plan(definition: Path, corpus_folder: Path | None = None, quietly: bool = False) -> "tuple[Plan, Corpus]":
    """Read a definition, prepare its corpus or open it, expand it, and say what is worth a warning."""
    from workbench.runner.plan import read_plan

    planned, corpus = read_plan(definition, say, corpus_folder)
    if not quietly:
        say_warnings(planned.warnings)
    return planned, corpus


@contextmanager
def being_prepared(
    definition: Path, corpus_folder: Path | None, store_path: Path
) -> "Iterator[tuple[Plan, Corpus, Store, Asked]]":
    """The plan and its store, in which the sweep is said to be run while inside: before its corpus is prepared, where
    the store is there; one that is not is made once nothing was found wrong with the plan.
    """
    from workbench.runner.definition import read_definition
    from workbench.runner.stopping import being_run
    from workbench.store import Store

    with ExitStack() as told:
        asked = None
        if (store_path / "store.json").exists():
            name = read_definition(definition).sweep.name
            asked = told.enter_context(being_run(Store.create(store_path), name))
        planned, corpus = make_plan(definition, corpus_folder, quietly=True)
        store = Store.create(store_path)
        yield planned, corpus, store, asked or told.enter_context(being_run(store, planned.name))


def say_warnings(warnings: Sequence[str]) -> None:
    """What a person should know before training, a line each."""
    for warning in warnings:
        say(f"Warning: {warning}")


def warn_of_older_sources(planned: "Plan", store: "Store") -> None:
    """Say why runs of a registered model that were done are to be trained again."""
    from workbench.runner.status import older_sources

    for sentence in older_sources(planned, store):
        say(f"Warning: {sentence}")


def chosen_device(planned: "Plan", device: str) -> str:
    """The command line's device, or the definition's; one that is not here is refused before anything is done."""
    from workbench.training.devices import pick_device

    chosen = _wanted_device(planned, device)
    pick_device(chosen)
    return chosen


def calibrations(anew: bool, check: "Callable[[], None]" = lambda: None) -> "Calibrations":
    """The times that this machine was measured at before; what has to be measured now is said, and `check` asked."""
    from workbench.runner.calibration import Calibrations, cache_path

    return Calibrations(cache_path(), anew, lambda: say("timing a few steps of training on this machine"), check)


def _wanted_device(planned: "Plan", device: str) -> str:
    return planned.runs[0].config.execution.device if device == "auto" else device


def timed(planned: "Plan", runs: "Sequence[PlannedRun]", device: str, times: "Calibrations") -> "Plan":
    """The plan with its runs' times estimated, by steps of `runs`."""
    from workbench.runner.cost import calibrate

    calibration = calibrate(runs, device, times)
    return planned.timed(calibration, calibration.timing)


def packed(
    planned: "Plan", runs: "Sequence[PlannedRun]", slots: int, device: str, pack: str, times: "Calibrations"
) -> "Plan":
    """The plan with those of `runs` packed that are faster so."""
    from workbench.runner.cost import with_packs

    return with_packs(planned, runs, slots, device, pack, times)


def price_on(backend: "LocalBackend", price: float | None) -> "Price | None":
    """The price of the command line, on the devices of a backend."""
    from workbench.runner.price import Price

    return None if price is None else Price.of_slots(price, [slot.device for slot in backend.slots])


def price_at(where: Where, planned: "Plan", price: float | None) -> "Price | None":
    """The price of the command line where the runs are executed; of other machines, a device by itself."""
    from workbench.runner.price import Price

    if price is None:
        return None
    if where.elsewhere:
        return Price(price, 1, where.per_device)
    device = chosen_device(planned, where.device)
    return price_on(local_backend(planned, where.workers, where.per_device, device), price)


def spent(runs: "Sequence[PlannedRun]", store: "Store", price: "Price | None") -> dict[str, Any]:
    """What those of the runs cost that are done by now, by the time that the store has of each."""
    assert price is not None
    rows = store.runs_by_id(run.run_id for run in runs)
    rows = rows[rows["seconds"].notna()]
    money = {str(run_id): price.of(seconds) for run_id, seconds in rows.set_index("run_id")["seconds"].items()}
    return price.to_dict() | {"runs": money, "money": sum(money.values())}


def execute(
    planned: "Plan",
    corpus: "Corpus",
    store: "Store",
    where: Where,
    pack: str = "auto",
    price: float | None = None,
    recalibrate: bool = False,
    asked: "Asked | None" = None,
) -> "SweepResult":
    """Train what is missing of a plan, with live progress. It can be stopped while it prepares; `asked` as in
    `run_sweep`.
    """
    from workbench.cli.progress import SweepProgress
    from workbench.runner.status import missing
    from workbench.runner.stopping import being_run
    from workbench.runner.sweep import run_sweep

    wanted = _wanted_device(planned, where.device)
    # What other machines have, this one cannot say: it times its own steps, and the cluster refuses a device it lacks.
    here = "auto" if where.elsewhere and wanted != "cpu" else chosen_device(planned, where.device)
    with nullcontext(asked) if asked else being_run(store, planned.name) as asked_to_stop:
        times = calibrations(recalibrate, lambda: _refuse_to_begin(planned, asked_to_stop))
        planned = timed(planned, missing(planned, store), here, times)
        left = {run.run_id for run in missing(planned, store)}
        with backend_at(where, planned, store, wanted) as backend:
            slots = len(backend.slots)
            planned = packed(planned, [run for run in planned.runs if run.run_id in left], slots, here, pack, times)
            _refuse_to_begin(planned, asked_to_stop)
            todo = [run for run in planned.runs if run.run_id in left]
            if todo:
                say(_before(planned, todo, where, slots, price_at(where, planned, price)))
            with SweepProgress(planned, sum(run.seconds for run in todo), len(planned.runs) - len(todo)) as progress:
                return run_sweep(planned, corpus, store, backend, progress, asked_to_stop)


def _refuse_to_begin(planned: "Plan", asked: "Asked") -> None:
    """Leave before anything trains, where somebody has asked the sweep to stop meanwhile."""
    if asked():
        raise Stopped(f"{planned.name} was asked to stop before it trained anything; run it again to begin")


def _before(planned: "Plan", todo: "Sequence[PlannedRun]", where: Where, slots: int, cost: "Price | None") -> str:
    """What is about to be trained, and what that takes."""
    from workbench.runner.plan import wall_seconds

    on = f"{slots} jobs of {where.backend} at a time" if where.elsewhere else counted(slots, "worker")
    if_so = ", were their machines as fast as this one" if where.elsewhere else ""
    seconds = wall_seconds(todo, slots)
    say_warnings(lifelong(planned, seconds))
    took = f"about {spoken(seconds)}{if_so} ({planned.timing.words})"
    money = f"; money {sum(cost.of(run.seconds) for run in todo):.3g} ({cost.words})" if cost else ""
    return f"{len(todo)} of {counted(len(planned.runs), 'run')} to train on {on}, {took}{money}"
