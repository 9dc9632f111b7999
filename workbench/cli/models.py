"""`workbench models`: the presets with their exact counts."""

from dataclasses import asdict
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from workbench.cli.output import emit, json_option
from workbench.models.config import ModelConfig
from workbench.models.counts import count, kv_cache_bytes, training_bytes
from workbench.models.open_models import MODELS

SHAPE = ("layers", "width", "heads", "context")

EPILOG = "Exit codes: 0 done, 1 failed, 2 bad input."


@click.command(epilog=EPILOG)
@json_option
def command(as_json: bool) -> None:
    """List the GPTs and open models: shape, parameters in all and without embeddings, FLOPs per token, 6N, memory.

    FLOPs are those of the matrix products at the full context, the output head included and causal attention counted
    dense (a window as wide as it is); training is three times forward. The KV cache is one sequence's at the full
    context, in two bytes a number; train memory is an estimate for one such sequence in bf16 with AdamW's state in
    float32, on one device, no activation recomputed, attention weights not kept (fused attention).
    """
    emit(as_json, {name: _record(config) for name, config in MODELS.items()}, _print_table)


def _record(config: ModelConfig) -> dict[str, Any]:
    resolved = {"n_kv_head": config.kv_heads, "d_head": config.head_dim, "d_ff": config.ff_dim}
    memory = {
        "kv_cache_bytes": kv_cache_bytes(config, config.context),
        "training_bytes_bf16": training_bytes(config, 1, "bf16", keeps_weights=False),
    }
    return {"config": config.model_dump() | resolved, **asdict(count(config)), **memory}


def gigabytes(many: int) -> str:
    """Bytes in units of 10⁹, three digits."""
    return f"{many / 1e9:.3g} GB"


def _print_table() -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("preset", no_wrap=True)
    for name in (*SHAPE, "N", "N non-emb.", "fwd/token", "train/token", "6N", "KV cache", "train mem."):
        table.add_column(name, justify="right", no_wrap=True)
    for name, config in MODELS.items():
        counts = count(config)
        table.add_row(
            name,
            str(config.n_layer),
            str(config.d_model),
            f"{config.n_head}×{config.head_dim}",
            str(config.context),
            f"{counts.n_params:,}",
            f"{counts.n_params_non_embedding:,}",
            f"{counts.flops_per_token_forward:.4g}",
            f"{counts.flops_per_token_training:.4g}",
            f"{counts.flops_per_token_6n:.4g}",
            gigabytes(kv_cache_bytes(config, config.context)),
            gigabytes(training_bytes(config, 1, "bf16", keeps_weights=False)),
        )
    # As wide as it needs to be: a number cut off by a narrow terminal or a pipe would be a wrong number.
    Console(width=max(Console().width, 160)).print(table)
