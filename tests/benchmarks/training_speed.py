"""How fast one core trains, beside the peers, in one run: `python -m tests.benchmarks.training_speed`.

At each size every contender's configurations are searched (attention × bf16 × compile, then the other AdamW), and the
fastest of each goes on: in rounds that alternate, each takes some steps, and a ratio is of two times of one round, so
that noise hits both alike. Then each trains from the same weights on the same batches until its held-out loss is ours.
Speeds are in tokens per CPU-second of this process.

    --sizes 2x64 4x128 6x384    layers × width
    --rounds 15                 of some steps each
    --threads 1                 of every contender
    --loss-steps 150            of the training to a held-out loss; 0 leaves it out
    --no-compile                eager contenders alone: minutes less
    --data FOLDER               where the corpus is prepared, and found again
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch._dynamo

from tests.benchmarks.machine import facts
from tests.benchmarks.trainers import Choice, Position, Trainer, Who, choices, make_trainer, missing, refinements
from tests.benchmarks.training_memory import peak_bytes
from tests.benchmarks.training_setup import Task, benchmark_corpus, matmul_peak, parse_size, windows_of
from workbench.training.evaluate import Evaluator
from workbench.training.horizon import resolve
from workbench.training.schedule import rate_at

RATE = 1e-3
NEAR = 0.002
"""Nats per token: a held-out loss this near ours counts as the same."""
SECONDS_OF_A_TURN = 1.0
GOALS = {(2, 64): 2.0, (4, 128): 1.7, (6, 384): 1.3}
"""Shape → times the best peer, and one goal for all against an eager one in float32."""
EAGER_GOAL = 1.9


PEERS: tuple[Who, ...] = ("transformers", "litgpt")
KINDS: tuple[tuple[Who, Position], ...] = (
    ("workbench", "learned"),
    ("transformers", "learned"),
    ("workbench", "rope"),
    ("litgpt", "rope"),
)
"""Who trains what: each peer's shape, and ours of the same."""


@dataclass(frozen=True)
class Contender:
    """A configuration that was found the fastest of its kind, and its tokens per CPU-second in each round."""

    choice: Choice
    trainer: Trainer
    speeds: list[float]

    @property
    def median(self) -> float:
        """Tokens per CPU-second."""
        return statistics.median(self.speeds)


def main() -> None:
    """Run everything and print as it comes."""
    parser = argparse.ArgumentParser(description="Speed of training on CPU, beside the peers.")
    parser.add_argument("--sizes", nargs="+", default=["2x64", "4x128", "6x384"])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--loss-steps", type=int, default=150)
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--data", type=Path, default=None)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    torch._dynamo.config.recompile_limit = 64  # the contenders share one loss, each with a program of its own
    print(*facts(), versions(), f"Threads: {chosen.threads}.", sep="\n")
    for reason in filter(None, map(missing, PEERS)):
        print(reason)
    peaks = [matmul_peak(torch.device("cpu"), dtype) for dtype in (torch.float32, torch.bfloat16)]
    print(peak_line(*peaks), flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        corpus = benchmark_corpus(chosen.data or Path(temporary))
        for size in chosen.sizes:
            layers, width = parse_size(size)
            task = Task(layers, width, windows_of(width), corpus)
            one_size(task, peaks, chosen.rounds, chosen.loss_steps, not chosen.no_compile)


def versions() -> str:
    """Of what computes, and the instructions it uses."""
    from importlib.metadata import version

    found = [f"{name} {version(name)}" for name in ("torch", *(who for who in PEERS if not missing(who)))]
    return f"{', '.join(found)}; {torch.backends.cpu.get_cpu_capability()}"


def peak_line(fp32: float, bf16: float) -> str:
    """What the machine multiplies at, and whether bf16 can gain anything."""
    said = f"Matrix products at their best: {fp32 / 1e9:.1f} GFLOP/s in fp32, {bf16 / 1e9:.1f} in bf16."
    if bf16 < fp32:
        said += " bf16 is the slower one here: goals that need its peak are out of reach on this machine."
    return said


def one_size(task: Task, peaks: Sequence[float], rounds: int, loss_steps: int, compiled: bool) -> None:
    """Search, race, train to a loss."""
    print(f"\n## {task.n_layer} × {task.d_model}, {task.windows} windows of {task.context} a step\n")
    contenders = search(task, compiled)
    race(contenders, task, rounds)
    table(contenders, task, peaks)
    verdict(contenders, task, peaks)
    if loss_steps:
        to_a_loss(contenders, task, loss_steps)


def search(task: Task, compiled: bool) -> list[Contender]:
    """The fastest configuration of each kind; every one tried is printed."""
    print("searched: tokens per CPU-second, best of three turns")
    found: list[Contender] = []
    for who, position in KINDS:
        if missing(who) or (position == "rope" and missing("litgpt")):
            continue
        kinds = [choices(who, position, False), *([choices(who, position, True)] if compiled else [])]
        if who == "workbench":  # one contender: as a run of ours would best be executed
            kinds = [[choice for kind in kinds for choice in kind]]
        for kind in kinds:
            tried = [_tried(choice, task) for choice in kind]
            best = max(tried, key=lambda contender: contender.speeds[0])
            tried = [best, *(_tried(choice, task) for choice in refinements(best.choice))]
            found.append(max(tried, key=lambda contender: contender.speeds[0]))
    for contender in found:
        contender.speeds.clear()
    return found


def _tried(choice: Choice, task: Task) -> Contender:
    """Compiled and warmed up, with the best of three turns as its only speed."""
    start = time.perf_counter()
    trainer = make_trainer(choice, task)
    for step in range(3):
        trainer.step(task.batch(step), step, RATE)
    ready = time.perf_counter() - start
    speed = max(turn(trainer, task, 0.5) for _ in range(3))
    print(f"  {choice!s:52s}{speed:10,.0f}   ready after {ready:.1f} s", flush=True)
    return Contender(choice, trainer, [speed])


def turn(trainer: Trainer, task: Task, seconds: float = SECONDS_OF_A_TURN) -> float:
    """Tokens per CPU-second of some steps, batches read from the mapped file."""
    steps, start = 0, time.process_time()
    while time.process_time() - start < seconds or steps < 2:
        trainer.step(task.batch(steps), steps, RATE)
        steps += 1
    return steps * task.tokens / (time.process_time() - start)


def race(contenders: Sequence[Contender], task: Task, rounds: int) -> None:
    """Rounds in which each has a turn, beginning with another one each time."""
    for number in range(rounds):
        first = number % len(contenders)
        for contender in (*contenders[first:], *contenders[:first]):
            contender.speeds.append(turn(contender.trainer, task))


def table(contenders: Sequence[Contender], task: Task, peaks: Sequence[float]) -> None:
    """Speeds, shares of the peaks, memory, and our ratio to each peer."""
    print(
        "\ntokens per CPU-second: median (range); FLOP/s as a share of the fp32 and the bf16 peak; memory; ours over it"
    )
    for contender in contenders:
        speeds, flops = contender.speeds, contender.median * task.flops_per_token
        shares = " ".join(f"{flops / peak:7.0%}" for peak in peaks)
        peak = peak_bytes(contender.choice, task)
        memory = "unknown" if peak is None else f"{peak / 2**20:.0f} MiB"
        spread = f"({min(speeds):,.0f}–{max(speeds):,.0f})"
        print(f"  {contender.choice!s:52s}{contender.median:10,.0f} {spread:20s}{shares} {memory:>10s}", end="")
        print("" if contender.choice.who == "workbench" else f"   {_said(ratios(contenders, contender))}", flush=True)


def ratios(contenders: Sequence[Contender], peer: Contender) -> list[float]:
    """Our speed over a peer's of the same shape, round by round."""
    ours = our(contenders, peer)
    return [mine / theirs for mine, theirs in zip(ours.speeds, peer.speeds, strict=True)]


def our(contenders: Sequence[Contender], peer: Contender) -> Contender:
    """Ours of a peer's shape."""
    return next(c for c in contenders if c.choice.who == "workbench" and c.choice.position == peer.choice.position)


def _said(found: Sequence[float]) -> str:
    return f"{statistics.median(found):.2f}× ({min(found):.2f}–{max(found):.2f})"


def verdict(contenders: Sequence[Contender], task: Task, peaks: Sequence[float]) -> None:
    """Beside the goals, whether they are met or not."""
    peers = [contender for contender in contenders if contender.choice.who != "workbench"]
    goal = GOALS.get((task.n_layer, task.d_model))
    if peers:
        best = min(peers, key=lambda peer: statistics.median(ratios(contenders, peer)))
        print(f"Best peer: {best.choice}; ours is {_said(ratios(contenders, best))}", end="")
        print(f" (goal {goal}×)." if goal else ".")
    for peer in peers:
        if not peer.choice.compile and not peer.choice.bf16:
            print(f"Against {peer.choice}: {_said(ratios(contenders, peer))} (goal {EAGER_GOAL}×).")
    if peaks[0] > peaks[1] and peers:
        ceiling = peaks[0] / (contenders[0].median * task.flops_per_token)
        print(f"Every product at the fp32 peak and nothing else would be {ceiling:.2f}× our speed.")


def to_a_loss(contenders: Sequence[Contender], task: Task, steps: int) -> None:
    """CPU-seconds of training until the held-out loss is what ours is at the end."""
    print(
        f"\nCPU-seconds to the held-out loss of ours after {steps} steps, within {NEAR} nats, the first step left out"
    )
    evaluate = Evaluator(task.corpus, task.context, 64, torch.device("cpu"))
    curves = {str(c.choice): _curve(c, task, steps, evaluate) for c in contenders}
    for contender in contenders:
        mine, curve = curves[str(our(contenders, contender).choice)], curves[str(contender.choice)]
        wanted = mine[-1][1] + NEAR
        reached = next((seconds for seconds, loss in curve if loss <= wanted), None)
        said = "not reached" if reached is None else f"{reached:.1f} s"
        if reached is not None and contender.choice.who != "workbench":
            own = next(seconds for seconds, loss in mine if loss <= wanted)
            said += f", {reached / own:.2f}× ours"
        end = curve[-1][1]
        print(f"  {contender.choice!s:52s}{end:9.4f} nats at the end ({end - mine[-1][1]:+.4f})   {said}", flush=True)


def _curve(contender: Contender, task: Task, steps: int, evaluate: Evaluator) -> list[tuple[float, float]]:
    """(CPU-seconds of steps so far, held-out loss) at twenty points, from the initial weights."""
    trainer = make_trainer(contender.choice, task)
    horizon = resolve(task.run(steps))
    spent, points = 0.0, []
    for step in range(steps):
        start = time.process_time()
        trainer.step(task.batch(step), step, rate_at(step, horizon, "cosine", 0.0))
        spent += time.process_time() - start if step else 0.0  # the first one compiles
        if (step + 1) % max(1, steps // 20) == 0 or step + 1 == steps:
            points.append((spent, evaluate(trainer.logits).loss))
    return points


if __name__ == "__main__":
    main()
