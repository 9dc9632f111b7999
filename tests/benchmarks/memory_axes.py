"""What activation checkpointing and 8-bit state save, and what they cost: `python -m tests.benchmarks.memory_axes`.

Peaks are those of torch's own tracker of tensors, beside the estimate that a sweep is planned with.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from torch.distributed._tools.mem_tracker import MemTracker

from tests.benchmarks.machine import facts, readable, seconds
from tests.training.learning import batch, learner_of
from tests.training.tiny import tiny_corpus
from workbench.corpus.shards import Corpus
from workbench.training.learner import Learner
from workbench.training.memory import step_bytes
from workbench.training.optimizers import state_bytes
from workbench.training.step import update

WIDTH, WINDOWS, CONTEXT = 64, 64, 16
MODEL = {"d_model": WIDTH, "n_head": 2, "bias": False}
MIB = 2**20


def main() -> None:
    """Print both tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--depths", type=int, nargs="+", default=[4, 8, 16])
    options.add_argument("--repetitions", type=int, default=9)
    chosen = options.parse_args()
    torch.set_num_threads(1)
    for line in facts():
        print(line)
    print(f"width {WIDTH}, {WINDOWS} windows of {CONTEXT} tokens, float32, one thread")
    with tempfile.TemporaryDirectory() as folder:
        corpus = tiny_corpus(Path(folder))
        for line in [*checkpointing(corpus, chosen.depths, chosen.repetitions), "", *state(corpus, chosen.repetitions)]:
            print(line)


def checkpointing(corpus: Corpus, depths: list[int], repetitions: int) -> Iterator[str]:
    """Peak bytes of a step, the estimate, and the time of a step, with and without activation checkpointing."""
    yield f"{'layers':<8}{'checkpointing':<15}{'peak MiB':>9}{'estimate MiB':>14}{'step':>10}"
    for n_layer in depths:
        for again in (False, True):
            learner = learner_of(
                corpus, WINDOWS, model={**MODEL, "n_layer": n_layer}, execution={"activation_checkpointing": again}
            )
            taken = time_of_step(learner, corpus, repetitions)
            peak, estimate = peak_bytes(learner, corpus) / MIB, step_bytes(learner.config, WINDOWS) / MIB
            how = "yes" if again else "no"
            yield f"{n_layer:<8}{how:<15}{peak:>9.1f}{estimate:>14.1f}{readable(taken):>10}"


def state(corpus: Corpus, repetitions: int, n_layer: int = 8) -> Iterator[str]:
    """Bytes of state for each parameter, and the time of a step, of AdamW in float32 and in 8 bits."""
    yield f"{'optimizer':<14}{'state bytes per parameter':>26}{'step':>10}"
    for optimizer in ("adamw", "adamw-8bit"):
        learner = learner_of(corpus, WINDOWS, model={**MODEL, "n_layer": n_layer}, optimizer=optimizer)
        taken = time_of_step(learner, corpus, repetitions)
        per_parameter = state_bytes(learner.optimizer) / sum(p.numel() for p in learner.model.parameters())
        yield f"{optimizer:<14}{per_parameter:>26.2f}{readable(taken):>10}"


def time_of_step(learner: Learner, corpus: Corpus, repetitions: int) -> float:
    """Seconds: the median of several, after one that makes the optimizer's state."""
    ids_BS = batch(corpus, WINDOWS)
    return seconds(lambda: update(learner, ids_BS, step=0, rate=1e-3), repetitions)


def peak_bytes(learner: Learner, corpus: Corpus) -> int:
    """Of one step: weights, gradients, optimizer's state and activations."""
    tracker = MemTracker()
    tracker.track_external(learner.model, learner.optimizer)
    with tracker:
        update(learner, batch(corpus, WINDOWS), step=1, rate=1e-3)
    return int(tracker.get_tracker_snapshot("peak")[torch.device("cpu")]["Total"])


if __name__ == "__main__":
    main()
