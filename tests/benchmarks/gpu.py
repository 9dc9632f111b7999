"""All that is to be measured on a GPU, in one command: `python -m tests.benchmarks.gpu > docs/gpu.md`.

The share of the measured bf16 peak at GPT-2 124M beside transformers, packed small models against one at a time, and
several processes on one device. Random ids: no speed here depends on them. Times are of the wall, waiting for the
device; the contenders of a table take turns.

    --device cuda        `cpu` with --tiny runs every line of it where there is no GPU, and measures nothing
    --rounds 5           turns of each contender
    --seconds 5          of a turn
    --tiny               toy sizes
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import torch
import torch._dynamo
from torch import Tensor

from tests.benchmarks.machine import facts
from tests.benchmarks.trainers import Choice, make_trainer, missing
from tests.benchmarks.training_setup import Task, matmul_peak, synchronize
from workbench.models.counts import count
from workbench.training.config import RunConfig
from workbench.training.learner import make_learner
from workbench.training.pack import make_pack, update_pack
from workbench.training.step import update

RATE = 1e-3
GOAL_SHARE, GOAL_PACK = 0.5, 10.0

Step = Callable[[int], Any]


@dataclass(frozen=True)
class Setting:
    """Where, how long, and how large."""

    device: torch.device
    rounds: int
    seconds: float
    tiny: bool


@dataclass(frozen=True)
class Shape(Task):
    """A shape with a vocabulary of its own: no corpus is read."""

    vocab_size: int = 50304

    def run(self, steps: int, execution: dict[str, Any] | None = None, **changes: Any) -> RunConfig:
        """As a task's, over this vocabulary."""
        config = super().run(steps, execution, **changes)
        return config.model_copy(update={"model": config.model.model_copy(update={"vocab_size": self.vocab_size})})


def main() -> None:
    """Print the page."""
    parser = argparse.ArgumentParser(description="Every measurement on a GPU.")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--tiny", action="store_true")
    chosen = parser.parse_args()
    if chosen.device.startswith("cuda") and not torch.cuda.is_available():
        sys.exit("There is no CUDA device here; run this where there is one.")
    torch._dynamo.config.recompile_limit = 64
    setting = Setting(torch.device(chosen.device), chosen.rounds, chosen.seconds, chosen.tiny)
    name = torch.cuda.get_device_name(setting.device) if setting.device.type == "cuda" else "no GPU"
    print("# On a GPU\n", *facts(), f"torch {torch.__version__}, {name}", sep="\n")
    peak = matmul_peak(setting.device, torch.bfloat16, size=256 if setting.tiny else 8192)
    print(f"\nMatrix products in bf16 at their best: {peak / 1e12:.3g} TFLOP/s.", flush=True)
    large_model(setting, peak)
    small_models(setting)
    side_by_side(setting)


def large_model(setting: Setting, peak: float) -> None:
    """GPT-2 124M in bf16: tokens per second and the share of the peak."""
    shape = _shape(setting, 12, 768, windows=16, context=1024)
    per_token = count(shape.run(1).model).flops_per_token_training
    steps: dict[str, Step] = {}
    for choice in _large_choices(setting):
        trainer = make_trainer(choice, shape)
        ids_BS = _ids(shape, setting.device)
        steps[str(choice)] = lambda number, trainer=trainer, ids_BS=ids_BS: trainer.step(ids_BS, number, RATE)  # type: ignore[misc]
    print(f"\n## GPT-2 of {count(shape.run(1).model).n_params / 1e6:.0f}M, bf16\n")
    print("| | tokens/s | share of peak |\n|---|---|---|")
    for name, speed in race(steps, shape.tokens, setting).items():
        print(f"| {name} | {speed:,.0f} | {speed * per_token / peak:.1%} |", flush=True)
    print(f"\nGoal: {GOAL_SHARE:.0%}.")


def _large_choices(setting: Setting) -> list[Choice]:
    device = str(setting.device)
    compiled = [False] if setting.tiny else [False, True]
    found = [Choice("workbench", compile=way, bf16=True, device=device) for way in compiled]
    if missing("transformers") is None:
        found += [Choice("transformers", compile=way, bf16=True, device=device) for way in compiled]
    return found


def small_models(setting: Setting) -> None:
    """Models of a million parameters one at a time: eager, with CUDA graphs, and K at once in a pack."""
    shape = _shape(setting, 4, 128, windows=4, context=256, vocab_size=1024)
    device, ids_BS = setting.device, _ids(shape, setting.device)
    steps: dict[str, Step] = {}
    sizes: dict[str, int] = {}
    ways: list[bool | str] = [False] if setting.tiny else [False, "reduce-overhead"]
    for way in ways:
        config = shape.run(1, execution={"compile": way, "device": str(device)}, precision="bf16")
        learner = make_learner(config, device, shape.windows)
        name = f"alone, {way or 'eager'}"
        steps[name], sizes[name] = (lambda n, learner=learner: update(learner, ids_BS, n, RATE)), 1  # type: ignore[misc]
    for many in (2, 4) if setting.tiny else (8, 32, 128):
        configs = [shape.run(1, execution={"device": str(device)}, precision="bf16") for _ in range(many)]
        pack, ids_KBS = make_pack(configs, device), ids_BS.expand(many, *ids_BS.shape)
        name = f"pack of {many}"
        steps[name], sizes[name] = (lambda _, p=pack, i=ids_KBS: update_pack(p, i, [RATE] * len(i))), many  # type: ignore[misc]
    speeds = race(steps, shape.tokens, setting)
    first = speeds["alone, eager"]
    print(f"\n## Models of {count(shape.run(1).model).n_params / 1e6:.2f}M, {shape.tokens} tokens a step, bf16\n")
    print("| | tokens/s | times one at a time |\n|---|---|---|")
    for name, speed in speeds.items():
        print(f"| {name} | {speed * sizes[name]:,.0f} | {speed * sizes[name] / first:.2f} |", flush=True)
    print(f"\nGoal: {GOAL_PACK:g} times.")


def side_by_side(setting: Setting) -> None:
    """Several processes with one model each on the device, as `--per-device` has it."""
    print("\n## Processes on one device\n\n| processes | tokens/s of all | times one |\n|---|---|---|")
    one = None
    for many in (1, 2) if setting.tiny else (1, 2, 4, 8):
        with get_context("spawn").Pool(many) as pool:
            pool.map(_warm_up, range(many))
            total = sum(pool.map(_alone, [setting] * many, chunksize=1))
        one = one or total
        print(f"| {many} | {total:,.0f} | {total / one:.2f} |", flush=True)


def _warm_up(number: int) -> int:
    return number


def _alone(setting: Setting) -> float:
    """Tokens per second of one process."""
    shape = _shape(setting, 4, 128, windows=4, context=256, vocab_size=1024)
    config = shape.run(1, execution={"device": str(setting.device)}, precision="bf16")
    learner, ids_BS = make_learner(config, setting.device, shape.windows), _ids(shape, setting.device)
    return race({"alone": lambda number: update(learner, ids_BS, number, RATE)}, shape.tokens, setting)["alone"]


def race(steps: dict[str, Step], tokens: int, setting: Setting) -> dict[str, float]:
    """Median tokens per second of each, in turns; the first turn of each, in which it compiles, does not count."""
    found: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(1 + setting.rounds):
        for name, step in steps.items():
            done, start = 0, time.perf_counter()
            while done < 2 or time.perf_counter() - start < setting.seconds:
                step(done)
                done += 1
                if done % 10 == 0:
                    synchronize(setting.device)  # else the queue of the device runs ahead of the clock
            synchronize(setting.device)
            if turn:
                found[name].append(done * tokens / (time.perf_counter() - start))
    return {name: statistics.median(speeds) for name, speeds in found.items()}


def _shape(setting: Setting, layers: int, width: int, windows: int, context: int, vocab_size: int = 50304) -> Shape:
    if setting.tiny:
        layers, width, windows, context, vocab_size = 1, 32, 2, 16, 64
    return Shape(layers, width, windows, _NoCorpus(), context, vocab_size)  # type: ignore[arg-type]


class _NoCorpus:
    """Of a corpus, what a shape reads before it has its own vocabulary."""

    from workbench.corpus.config import CorpusConfig

    config, vocab_size = CorpusConfig(), 257


def _ids(shape: Shape, device: torch.device) -> Tensor:
    """Random ids (B, S)."""
    return torch.randint(shape.vocab_size, (shape.windows, shape.context + 1), device=device)


if __name__ == "__main__":
    main()
