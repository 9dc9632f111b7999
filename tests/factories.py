"""A simulated sweep: the tables a store would hold, drawn from a Chinchilla law whose constants are known."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

E, A, B, ALPHA, BETA = 1.6, 46.0, 270.0, 0.35, 0.37
"""The law behind every simulated loss: L = E + A/N^α + B/D^β, N counting everything."""

BUDGETS = (1e11, 10**11.5, 1e12, 10**12.5, 1e13)
SIZES_PER_BUDGET = 6
VOCABULARY, CONTEXT = 512, 128
NOISE = 0.003
"""Standard deviation of the noise on log loss."""

WIDTHS = (8, 12, 16, 24, 32, 40, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256)
SHAPES = tuple((max(1, round(d / 40)), d) for d in WIDTHS)
"""(layers, width), smallest first."""


def law(n: float, d: float) -> float:
    """The noiseless loss."""
    return E + A / n**ALPHA + B / d**BETA


@dataclass(frozen=True)
class Shape:
    """A model of the sweep and its counts."""

    n_layer: int
    d_model: int

    @property
    def n(self) -> int:
        return self.n_non_embedding + VOCABULARY * self.d_model

    @property
    def n_non_embedding(self) -> int:
        return 12 * self.n_layer * self.d_model**2

    @property
    def flops_per_token(self) -> float:
        attention = 4 * self.n_layer * CONTEXT * self.d_model
        return 3.0 * (2 * (self.n_non_embedding + VOCABULARY * self.d_model) + attention)


@dataclass(frozen=True)
class Plan:
    """One run to simulate."""

    shape: Shape
    tokens: int
    budget: float
    role: str = "grid"
    rate_factor: float = 1.0
    seed: int = 0


def plans() -> Iterator[Plan]:
    """Five budgets × six sizes around each optimum; two more seeds; rates ×½ and ×2 at 2 sizes × 2 horizons."""
    shapes = [Shape(*shape) for shape in SHAPES]
    for budget in BUDGETS:
        losses = [law(s.n, budget / s.flops_per_token) for s in shapes]
        first = min(max(int(np.argmin(losses)) - 2, 0), len(shapes) - SIZES_PER_BUDGET)
        for shape in shapes[first : first + SIZES_PER_BUDGET]:
            yield Plan(shape, round(budget / shape.flops_per_token), budget)
    middle = shapes[6]
    for seed in (1, 2):
        yield Plan(middle, round(BUDGETS[2] / middle.flops_per_token), BUDGETS[2], "seed", seed=seed)
    for shape in (shapes[5], shapes[7]):
        for budget in (BUDGETS[1], BUDGETS[3]):
            for factor in (0.5, 2.0):
                yield Plan(shape, round(budget / shape.flops_per_token), budget, "rate", factor)


def make_runs(
    seed: int, planned: Iterable[Plan] | None = None, points: int = 24
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The tables (runs, curves, evals) of a finished sweep, by default of forty runs."""
    rng = np.random.default_rng(seed)
    runs, curves, evals = [], [], []
    for index, plan in enumerate(plans() if planned is None else planned):
        run = _run(plan, index, rng)
        runs.append(run)
        curves.append(_curve(run, plan, rng, points))
        evals += _evals(run, plan, rng)
    return pd.DataFrame(runs), pd.concat(curves, ignore_index=True), pd.DataFrame(evals)


def _run(plan: Plan, index: int, rng: np.random.Generator) -> dict[str, object]:
    shape, rate = plan.shape, 0.02 * (plan.shape.d_model / 64) ** -0.5
    penalty = 0.012 * np.log2(plan.rate_factor) ** 2
    loss = law(shape.n, plan.tokens) * float(np.exp(penalty + NOISE * rng.standard_normal()))
    flops = shape.flops_per_token * plan.tokens
    batch = 2048
    seconds = flops / (2e10 * (shape.d_model / 64) ** 0.4)
    config = {
        "model": {"n_layer": shape.n_layer, "n_head": max(1, shape.d_model // 32), "d_model": shape.d_model},
        "train": {"learning_rate": rate * plan.rate_factor, "tokens": plan.tokens},
    }
    return {
        "run_id": f"r-{index:08x}",
        "config_id": f"c-{shape.n_layer}-{shape.d_model}-{plan.tokens}-{plan.rate_factor:g}",
        "parent_id": None,
        "trunk_id": "",
        "branch_step": 0,
        "stage": "pretrain",
        "sweep": "simulated",
        "status": "done",
        "n_params": shape.n,
        "n_params_non_embedding": shape.n_non_embedding,
        "n_params_active": shape.n,
        "tokens": plan.tokens,
        "unique_tokens": plan.tokens,
        "steps": max(1, plan.tokens // batch),
        "batch_tokens": batch,
        "flops": flops,
        "flops_6nd": 6.0 * shape.n * plan.tokens,
        "flops_spent": flops,
        "flops_executed": flops,
        "loss": loss,
        "loss_se": 0.004,
        "bpb": loss / np.log(2) / 2.2,
        "train_loss": loss * 0.995,
        "unigram_entropy": 5.9,
        "bytes_per_token": 2.2,
        "source_entropy": np.nan,
        "learning_rate": rate * plan.rate_factor,
        "warmup_steps": max(1, plan.tokens // batch // 10),
        "schedule": "cosine",
        "precision": "fp32",
        "budget": plan.budget,
        "design": "isoflop",
        "role": plan.role,
        "rate_factor": plan.rate_factor,
        "seed_init": plan.seed,
        "seed_data": plan.seed,
        "n_layer": shape.n_layer,
        "d_model": shape.d_model,
        "n_head": max(1, shape.d_model // 32),
        "context": CONTEXT,
        "vocab_size": VOCABULARY,
        "position": "rope",
        "activation": "gelu-tanh",
        "norm": "layernorm",
        "corpus": "python",
        "corpus_fingerprint": "0123456789abcdef",
        "tokenizer": "bpe",
        "device": "cpu",
        "threads": 1,
        "seconds": seconds,
        "tokens_per_second": plan.tokens / seconds,
        "peak_memory_bytes": 300_000_000 + 16 * shape.n,
        "numerics": "1",
        "created_at": f"2026-01-02T{3 + index // 60:02d}:{index % 60:02d}:05Z",
        "workbench_version": "0.1.0",
        "torch_version": "2.13.0",
        "packages": "{}",
        "python_version": "3.11.0",
        "error": None,
        "config": json.dumps(config, sort_keys=True),
    }


def _curve(run: dict[str, object], plan: Plan, rng: np.random.Generator, points: int) -> pd.DataFrame:
    """Logged points, evenly spaced in steps; half-way losses lie above what a run that ended there would reach."""
    steps = np.unique(np.linspace(1, int(str(run["steps"])), points).astype(int))
    tokens = np.round(steps / steps[-1] * plan.tokens).astype(int)
    unannealed = 1 + 0.05 * (1 - steps / steps[-1])
    losses = np.minimum(np.array([law(plan.shape.n, d) for d in tokens]), np.log(VOCABULARY)) * unannealed
    losses *= float(str(run["loss"])) / losses[-1]
    noisy = losses * np.exp(0.01 * rng.standard_normal(len(steps)))
    evaluated = (np.arange(len(steps)) % 4 == 3) | (np.arange(len(steps)) == len(steps) - 1)
    held_out = np.where(evaluated, losses, np.nan)
    return pd.DataFrame(
        {
            "run_id": str(run["run_id"]),
            "step": steps,
            "tokens": tokens,
            "flops": tokens * plan.shape.flops_per_token,
            "seconds": steps / steps[-1] * float(str(run["seconds"])),
            "learning_rate": float(str(run["learning_rate"])) * (0.55 + 0.45 * np.cos(np.pi * steps / steps[-1])),
            "train_loss": noisy,
            "grad_norm": 1.0 + 2.0 * np.exp(-steps / steps[-1] * 5),
            "noise_scale": np.nan,
            "grad_square": np.nan,
            "grad_trace": np.nan,
            "loss": held_out,
            "loss_se": np.where(evaluated, 0.004, np.nan),
            "bpb": held_out / np.log(2) / 2.2,
            "point": np.where(np.arange(len(steps)) == len(steps) - 1, "final", "mid-schedule"),
        }
    )


def _evals(run: dict[str, object], plan: Plan, rng: np.random.Generator) -> list[dict[str, object]]:
    """Addition of one to three digits: exact match leaps with log N, the probability of a token climbs."""
    rows = []
    for digits in (1, 2, 3):
        middle, top = 4.2 + 0.35 * digits, 200
        token = 0.1 + 0.88 / (1 + np.exp(-3.0 * (np.log10(plan.shape.n) - middle)))
        token = float(np.clip(token + 0.01 * rng.standard_normal(), 0.0, 1.0))
        exact = float(rng.binomial(top, token ** (2 * digits + 2)) / top)
        for metric, value in (("exact_match", exact), ("token_probability", token), ("chance", 0.1 ** (digits + 1))):
            rows.append(
                {
                    "run_id": run["run_id"],
                    "step": run["steps"],
                    "probe": "task",
                    "probe_hash": "p-00000001",
                    "metric": metric,
                    "key": str(digits),
                    "value": value,
                    "se": float(np.sqrt(max(value * (1 - value), 1e-9) / top)),
                    "n": top,
                    "settings": json.dumps({"items": top, "settings": {"digits": [1, 2, 3]}, "task": "addition"}),
                }
            )
    return rows


def make_store(folder: Path, seed: int = 0) -> Path:
    """A store at `folder` that holds the simulated sweep."""
    from workbench.store import Store

    store = Store.create(folder)
    runs, curves, evals = make_runs(seed)
    for row in runs.to_dict("records"):
        run_id = str(row["run_id"])
        store.write_run({str(k): v for k, v in row.items()}, curves[curves["run_id"] == run_id])
        measured = evals[evals["run_id"] == run_id]
        store.write_evals(run_id, int(row["steps"]), measured)
    listed = [{"run_id": r, "role": role} for r, role in zip(runs["run_id"], runs["role"], strict=True)]
    store.write_manifest({"name": "simulated", "runs": listed})
    return folder


def make_narrow(source: Path, folder: Path) -> Path:
    """A store at `folder` with the eight smallest runs of a simulated one: two budgets, too near for any exponent."""
    from workbench.store import Store

    store, given = Store.create(folder), Store(source)
    runs = given.runs(where="role = 'grid'").sort_values(["budget", "n_params"])
    kept = runs.groupby("budget").head(4).head(8)
    for row in kept.to_dict("records"):
        store.write_run({str(k): v for k, v in row.items()}, given.curves(str(row["run_id"])))
    return folder


def add_sweep(folder: Path, name: str = "other", many: int = 8, **columns: object) -> None:
    """Add a second, smaller sweep to a simulated store, its runs differing in `columns` (and its corpus, if none)."""
    from workbench.store import Store

    store = Store(folder)
    runs, curves, evals = make_runs(1)
    changed = columns or {"corpus_fingerprint": "fedcba9876543210", "corpus": "addition"}
    for row in runs.head(many).to_dict("records"):
        old, new = str(row["run_id"]), str(row["run_id"]).replace("r-", f"r-{name}-")
        config = str(row["config_id"]).replace("c-", f"c-{name}-")
        kept = {str(key): value for key, value in row.items()} | changed
        store.write_run(kept | {"run_id": new, "config_id": config, "sweep": name}, curves[curves["run_id"] == old])
        store.write_evals(new, int(str(row["steps"])), evals[evals["run_id"] == old].assign(run_id=new))
    listed = [
        {"run_id": str(run_id).replace("r-", f"r-{name}-"), "role": "grid"} for run_id in runs["run_id"].head(many)
    ]
    store.write_manifest({"name": name, "runs": listed})


def add_twin(folder: Path, name: str = "twin", times: float = 0.8, activation: str = "swiglu") -> None:
    """Add the same sweep with another activation, which needs `times` the compute for the same loss, of other noise."""
    from workbench.store import Store

    store = Store(folder)
    runs, curves, _ = make_runs(2)
    factor = times ** (ALPHA * BETA / (ALPHA + BETA))
    listed = []
    for row in runs.to_dict("records"):
        old = str(row["run_id"])
        loss = E + factor * (float(row["loss"]) - E)
        config = json.loads(str(row["config"]))
        config["model"]["activation"] = activation
        changed = {
            "run_id": old.replace("r-", f"r-{name}-"),
            "config_id": str(row["config_id"]).replace("c-", f"c-{name}-"),
            "sweep": name,
            "activation": activation,
            "loss": loss,
            "bpb": float(row["bpb"]) * loss / float(row["loss"]),
            "config": json.dumps(config),
        }
        store.write_run({str(key): value for key, value in row.items()} | changed, curves[curves["run_id"] == old])
        listed.append({"run_id": changed["run_id"], "role": row["role"]})
    store.write_manifest({"name": name, "runs": listed})
