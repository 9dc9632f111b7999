"""A grid of 16 small models against the peers' one after another: `python -m tests.benchmarks.grid_speed`.

Four learning rates × four seeds of one shape, at two batches, on two cores. Ours is a sweep as a user runs it: planned,
packed where a measurement says that it pays (which is timed too), trained by two workers, evaluated and stored. A peer
trains the same 16 models one after another in its fastest configuration: one process of two threads, or two processes
of one thread with eight models each, whichever is faster. Its start and its compilation are left out; both evaluate
once, at the end.

    --size 2x64          layers × width
    --batches 256 4096   tokens of a step
    --tokens 400000      of each model
    --no-compile         eager peers alone
"""

import argparse
import multiprocessing
import tempfile
import time
from dataclasses import dataclass, replace
from multiprocessing.pool import Pool
from pathlib import Path

import torch

from tests.benchmarks.machine import facts
from tests.benchmarks.trainers import Choice, Position, Trainer, choices, make_trainer, missing
from tests.benchmarks.training_setup import CONTEXT, CORPUS, Task, benchmark_corpus, parse_size
from tests.benchmarks.training_speed import PEERS, turn, versions
from workbench.runner.cost import calibrate, with_packs
from workbench.runner.definition import SweepDefinition
from workbench.runner.local import LocalBackend
from workbench.runner.plan import plan_sweep
from workbench.runner.sweep import run_sweep
from workbench.store import Store
from workbench.training.evaluate import Evaluator

RATES = (1e-3, 2e-3, 4e-3, 8e-3)
SEEDS = (0, 1, 2, 3)
CORES = 2
EVAL_WINDOWS = 64
GOAL = 4.0
GOAL_BATCH = 256
"""Tokens of a step at which the goal holds."""


@dataclass(frozen=True)
class Share:
    """What one process of a peer trains: so many models, one after another, on so many threads."""

    choice: Choice
    task: Task
    models: int
    threads: int
    steps: int


def main() -> None:
    """One paragraph for each batch."""
    parser = argparse.ArgumentParser(description="A grid of small models, beside peers that train them in turn.")
    parser.add_argument("--size", default="2x64")
    parser.add_argument("--batches", nargs="+", type=int, default=[256, 4096])
    parser.add_argument("--tokens", type=int, default=400_000)
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--data", type=Path, default=None)
    chosen = parser.parse_args()
    print(*facts(), versions(), sep="\n")
    layers, width = parse_size(chosen.size)
    with tempfile.TemporaryDirectory() as temporary:
        corpus = benchmark_corpus(chosen.data or Path(temporary))
        for batch in chosen.batches:
            task = Task(layers, width, max(1, batch // CONTEXT), corpus)
            one_batch(task, max(1, chosen.tokens // task.tokens), not chosen.no_compile)


def one_batch(task: Task, steps: int, compiled: bool) -> None:
    """Ours and the peers' at one batch."""
    models = len(RATES) * len(SEEDS)
    total = models * steps * task.tokens
    print(
        f"\n## {models} models of {task.n_layer} × {task.d_model}, {steps} steps of {task.tokens} tokens\n", flush=True
    )
    seconds, packs = ours(task, steps)
    print(
        f"workbench, a sweep of two workers, {packs} packs: {seconds:.1f} s, {total / seconds:,.0f} tokens/s",
        flush=True,
    )
    best = min((peer(choice, task, steps) for choice in fastest_peers(task, compiled)), default=None)
    if best is not None:
        goal = f" (goal {GOAL:g}×)" if task.tokens == GOAL_BATCH else ""
        print(f"Ours is {best / seconds:.2f}× as fast as the best peer{goal}.")


def ours(task: Task, steps: int) -> tuple[float, int]:
    """Wall-clock seconds of the sweep from its plan to its last row, and how many packs it made."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store.create(Path(folder) / "store")
        plan = plan_sweep(definition(task, steps), "the benchmark's sweep", task.corpus)
        start = time.perf_counter()
        torch.set_num_threads(1)
        plan = plan.timed(calibrate(plan.runs, "cpu"))
        plan = with_packs(plan, plan.runs, CORES, "cpu")
        result = run_sweep(plan, task.corpus, store, LocalBackend.on_this_machine(CORES, device="cpu"))
        seconds = time.perf_counter() - start
    assert result.done == len(plan.runs), f"{result.done} of {len(plan.runs)} runs are done: {result.failed}"
    return seconds, len(plan.packs)


def definition(task: Task, steps: int) -> SweepDefinition:
    """The sweep as its file would say it."""
    model = task.run(steps).model
    return SweepDefinition.model_validate(
        {
            "sweep": {"name": "grid-speed"},
            "corpus": CORPUS.model_dump(mode="json", exclude_defaults=True),
            "model": {"context": model.context, "position": model.position, "n_head": model.n_head},
            "train": {"batch_tokens": task.tokens, "eval_windows": EVAL_WINDOWS},
            "execution": {"device": "cpu", "eval_points": 1},
            "sizes": {"one": {"n_layer": model.n_layer, "d_model": model.d_model}},
            "design": {"type": "grid", "levels": [steps * task.tokens]},
            "axes": {"train.learning_rate": list(RATES), "seed_init": list(SEEDS)},
        }
    )


def fastest_peers(task: Task, compiled: bool) -> list[Choice]:
    """Of each peer, the configuration that is fastest on one thread at this batch."""
    torch.set_num_threads(1)
    found = []
    for who in PEERS:
        reason = missing(who)
        if reason:
            print(reason)
            continue
        position: Position = "rope" if who == "litgpt" else "learned"
        speeds: dict[Choice, float] = {}
        for choice in (c for way in ([False, True] if compiled else [False]) for c in choices(who, position, way)):
            trainer = make_trainer(choice, task)
            turn(trainer, task, 0.1)
            speeds[choice] = max(turn(trainer, task, 0.5) for _ in range(2))
        found.append(max(speeds, key=lambda choice: speeds[choice]))
    return found


def peer(choice: Choice, task: Task, steps: int) -> float:
    """Wall-clock seconds of all models, by the faster of the two ways to use two cores."""
    models = len(RATES) * len(SEEDS)
    ways = {
        "one process of two threads": [Share(choice, task, models, CORES, steps)],
        "two processes of one thread": [Share(choice, task, models // CORES, 1, steps)] * CORES,
    }
    found = {}
    for way, shares in ways.items():
        with multiprocessing.get_context("spawn").Pool(len(shares)) as pool:
            found[way] = _together(pool, shares)
        print(f"{choice}, {way}: {found[way]:.1f} s", flush=True)
    return min(found.values())


def _together(pool: Pool, shares: list[Share]) -> float:
    """Seconds of the longest share. Each warms up with a model of one step; they begin together within moments."""
    warm = [replace(share, models=1, steps=2) for share in shares]
    return max(seconds for _, seconds in pool.map(_train_share, list(zip(warm, shares, strict=True)), chunksize=1))


def _train_share(both: tuple[Share, Share]) -> tuple[float, float]:
    return _train_models(both[0]), _train_models(both[1])


def _train_models(share: Share) -> float:
    """Seconds of steps and of final evaluations. The weights of the next model are copied into the compiled one."""
    torch.set_num_threads(share.threads)
    task, spent = share.task, 0.0
    evaluate = Evaluator(task.corpus, task.context, EVAL_WINDOWS, torch.device("cpu"))
    name = str(share.choice)
    if name not in _TRAINERS:
        _TRAINERS[name] = make_trainer(share.choice, task)
    trainer = _TRAINERS[name]
    for _ in range(share.models):
        start = time.perf_counter()
        for step in range(share.steps):
            trainer.step(task.batch(step), step, RATES[0])
        evaluate(trainer.logits)
        spent += time.perf_counter() - start
    return spent


_TRAINERS: dict[str, Trainer] = {}
"""Of this process: one module trains all models in turn, so that it is compiled once. Its speed does not depend on its
weights, so they are not drawn anew."""


if __name__ == "__main__":
    main()
