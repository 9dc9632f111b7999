"""Train runs in processes that are killed at random moments, again and again, until each has ended.

    python -m tests.training.killing FOLDER

A killed process costs 0.1 s, since it is forked from this one, which has imported torch and trained nothing. Writes
`results.json`: for each case the kills, those of them that a checkpoint survived, and whether the end is the same.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch._dynamo  # else the first optimizer of every child would import it: a second or more, before its first step
from safetensors.torch import load_file

from tests.training.test_resume import STEPS, combinations, short_run
from tests.training.tiny import tiny_corpus
from workbench.corpus.shards import Corpus
from workbench.training import checkpoint
from workbench.training.config import RunConfig
from workbench.training.train import save_final, train
from workbench.training.train_pack import train_pack

KILLS = 4
"""Kills at most of one case; then it may end."""


def cases(corpus: Corpus) -> dict[str, list[RunConfig]]:
    """Name → what is trained: one run, or several as a pack."""

    def run(**fields: Any) -> RunConfig:
        execution = {"checkpoint_seconds": 0.0, **fields.pop("execution", {})}
        return short_run(corpus, execution=execution, **fields)

    found = {
        f"{optimizer} {schedule} {precision}": [run(optimizer=optimizer, schedule=schedule, precision=precision)]
        for optimizer, schedule, precision in combinations()
    }
    for precision in ("fp32", "bf16", "fp16"):
        found[f"sam {precision}"] = [run(sam_radius=0.05, precision=precision)]
        if precision != "fp16":  # each model of a pack would need a loss scale of its own: they are trained alone
            found[f"pack {precision}"] = [run(precision=precision, seed_data=seed) for seed in (0, 1)]
    found["noise scale, dropout"] = [run(execution={"noise_scale": True}, model={"dropout": 0.1})]
    return found


def finish(configs: list[RunConfig], corpus: Corpus, folder: Path) -> None:
    """Train to the end, from wherever `folder` says; the last checkpoint of each run is then under `done`."""
    if len(configs) == 1:
        outcomes = {"0": train(configs[0], corpus, folder / "live")}
    else:
        outcomes = train_pack({str(i): config for i, config in enumerate(configs)}, corpus, folder / "live")
    for name, outcome in outcomes.items():
        save_final(folder / "done" / name, STEPS, outcome)


def ends(folder: Path) -> list[Any]:
    """Curves without timings, and weights, of all that was trained in `folder`."""
    found: list[Any] = []
    for done in sorted((folder / "done").iterdir()):
        rows = checkpoint.read_state(done / str(STEPS))["rows"]
        found.append(repr([{key: value for key, value in row.items() if key != "seconds"} for row in rows]))
        found.append(load_file(done / str(STEPS) / "model.safetensors"))
    return found


def same(one: list[Any], other: list[Any]) -> bool:
    """Bit for bit."""

    def equal(a: Any, b: Any) -> bool:
        return a == b if isinstance(a, str) else a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)

    return len(one) == len(other) and all(equal(a, b) for a, b in zip(one, other, strict=True))


def forked(work: Callable[[], None]) -> int:
    """The id of a new process that does the work and ends."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        work()
        status = 0
    finally:
        os._exit(status)


def wait(child: int) -> int:
    """The exit status of a process; negative where a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed(configs: list[RunConfig], corpus: Corpus, folder: Path, moments: random.Random) -> dict[str, Any]:
    """Train undisturbed, then beside it with kills; say how it went."""
    began = time.perf_counter()
    calm = wait(forked(lambda: finish(configs, corpus, folder / "calm")))
    seconds = time.perf_counter() - began
    kills, survived, status = 0, 0, -signal.SIGKILL
    while status == -signal.SIGKILL:
        child = forked(lambda: finish(configs, corpus, folder / "stormy"))
        if kills < KILLS:
            time.sleep(moments.uniform(0.2, 0.9) * seconds)
            os.kill(child, signal.SIGKILL)
        status = wait(child)
        if status == -signal.SIGKILL:
            kills += 1
            newest = checkpoint.latest(folder / "stormy" / "live")
            survived += newest is not None and 0 < checkpoint.read_state(newest)["step"] < STEPS
    ended = calm == status == 0
    return {
        "kills": kills,
        "survived": survived,
        "ended": ended,
        "same": ended and same(ends(folder / "calm"), ends(folder / "stormy")),
    }


def main(folder: Path) -> None:
    """All cases."""
    os.fsync = lambda fd: None  # a kill, unlike a power cut, loses nothing that was written, and syncing is slow
    torch.set_num_threads(1)
    corpus, moments = tiny_corpus(folder), random.Random(0)
    results = {
        name: killed(configs, corpus, folder / str(i), moments)
        for i, (name, configs) in enumerate(cases(corpus).items())
    }
    (folder / "results.json").write_text(json.dumps(results))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
