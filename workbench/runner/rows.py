"""From a finished run to the rows that the store keeps."""

import math
import platform
from typing import Any

import pandas as pd
import torch

from workbench.corpus.shards import Corpus
from workbench.models.config import DECODER
from workbench.runner.plan import PlannedRun, unique_tokens
from workbench.runner.provenance import code_version, packages_json
from workbench.store.schema import CURVES
from workbench.store.store import now
from workbench.training.devices import numerics, pick_device
from workbench.training.executed import flops_executed
from workbench.training.train import Outcome

CODE, PACKAGES = code_version(), packages_json()
"""As they are when this is loaded: the code that runs, whatever becomes of its files meanwhile."""


def run_row(run: PlannedRun, corpus: Corpus, sweep: str, outcome: Outcome, pack: int = 1) -> dict[str, Any]:
    """The row of a run that is done or diverged; `pack` is how many were trained as one: its time and memory are
    then its share of theirs."""
    last = outcome.rows[-1] if outcome.rows else {}
    branched = outcome.branch_step > 0
    own = 1 - outcome.branch_step / run.horizon.steps
    done = outcome.status == "done"
    return _described(run, corpus, sweep) | {
        "status": outcome.status,
        "parent_id": run.parent_id if branched else "",
        "branch_step": outcome.branch_step,
        "flops_spent": run.horizon.flops * own,
        "flops_executed": flops_executed(run.config, run.horizon) * own,
        "loss": last["loss"] if done else math.nan,
        "loss_se": last["loss_se"] if done else math.nan,
        "bpb": last["bpb"] if done else math.nan,
        "train_loss": last.get("train_loss", math.nan),
        "device": outcome.device,
        "seconds": outcome.seconds - outcome.trunk_seconds,
        "tokens_per_second": run.horizon.tokens * own / (outcome.seconds - outcome.trunk_seconds) if done else math.nan,
        "peak_memory_bytes": outcome.peak_memory_bytes,
        "numerics": numerics(torch.device(outcome.device), run.config.execution, pack),
        "error": outcome.error,
    }


def failed_row(run: PlannedRun, corpus: Corpus, sweep: str, error: str) -> dict[str, Any]:
    """The row of a run that could not be trained; a later sweep tries it again."""
    device = pick_device(run.config.execution.device)
    nothing = dict.fromkeys(("loss", "loss_se", "bpb", "train_loss", "seconds", "tokens_per_second"), math.nan)
    return (
        _described(run, corpus, sweep)
        | nothing
        | {
            "status": "failed",
            "device": str(device),
            "peak_memory_bytes": 0,
            "numerics": numerics(device, run.config.execution),
            "error": error,
        }
    )


def curve_frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The curve of a run; empty, but with its columns, for a run that never logged."""
    return pd.DataFrame(rows, columns=[column.name for column in CURVES if column.name != "run_id"])


def _described(run: PlannedRun, corpus: Corpus, sweep: str) -> dict[str, Any]:
    """Everything that was known before the run began."""
    config, horizon, counts, model = run.config, run.horizon, run.counts, run.config.model
    ours = model.architecture == DECODER
    source_entropy = corpus.source_entropy(model.context)
    return {
        "run_id": run.run_id,
        "config_id": run.config_id,
        "parent_id": "",
        "trunk_id": run.trunk_id,
        "branch_step": 0,
        "stage": "pretrain",
        "sweep": sweep,
        "n_params": counts.n_params,
        "n_params_non_embedding": counts.n_params_non_embedding,
        "n_params_active": counts.n_params_active,
        "tokens": horizon.tokens,
        "unique_tokens": unique_tokens(horizon, corpus),
        "steps": horizon.steps,
        "batch_tokens": horizon.batch_tokens,
        "flops": horizon.flops,
        "flops_6nd": horizon.flops_6nd,
        "flops_spent": horizon.flops,
        "flops_executed": flops_executed(config, horizon),
        "unigram_entropy": corpus.unigram_entropy,
        "bytes_per_token": corpus.bytes_per_token,
        "source_entropy": math.nan if source_entropy is None else source_entropy,
        "learning_rate": horizon.learning_rate,
        "warmup_steps": horizon.warmup_steps,
        "schedule": config.train.schedule,
        "precision": config.train.precision,
        "budget": run.budget,
        "design": run.design,
        "role": run.role,
        "rate_factor": config.train.rate_factor,
        "seed_init": config.seed_init,
        "seed_data": config.seed_data,
        "n_layer": model.n_layer,
        "d_model": model.d_model,
        "n_head": model.n_head,
        "context": model.context,
        "vocab_size": model.vocab_size,
        # What a registered model is inside, its config does not say.
        "position": model.position if ours else "",
        "activation": model.activation if ours else "",
        "norm": model.norm if ours else "",
        "corpus": config.corpus.source,
        "corpus_fingerprint": corpus.fingerprint,
        "tokenizer": config.corpus.tokenizer,
        "threads": config.execution.threads,
        "created_at": now(),
        "workbench_version": CODE,
        "torch_version": torch.__version__,
        "python_version": platform.python_version(),
        "packages": PACKAGES,
        "config": config.model_dump_json(),
    }
