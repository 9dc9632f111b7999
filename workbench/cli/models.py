"""`workbench models`: the presets with their exact counts."""

from dataclasses import asdict
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from workbench.cli.output import emit, json_option
from workbench.models.config import ModelConfig
from workbench.models.counts import count
from workbench.models.presets import PRESETS

EPILOG = "Exit codes: 0 done, 1 failed, 2 bad input."


@click.command(epilog=EPILOG)
@json_option
def command(as_json: bool) -> None:
    """List the presets: shape, parameters in all and without embeddings, FLOPs per token, and 6N beside them.

    FLOPs are those of the matrix products at the full context, the output head included and causal attention counted
    dense; training is three times forward.
    """
    emit(as_json, {name: _record(config) for name, config in PRESETS.items()}, _print_table)


def _record(config: ModelConfig) -> dict[str, Any]:
    resolved = {"n_kv_head": config.kv_heads, "d_head": config.head_dim, "d_ff": config.ff_dim}
    return {"config": config.model_dump() | resolved, **asdict(count(config))}


def _print_table() -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("preset", no_wrap=True)
    for name in ("layers", "width", "heads", "context", "N", "N non-emb.", "fwd/token", "train/token", "6N"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, config in PRESETS.items():
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
        )
    # As wide as it needs to be: a number cut off by a narrow terminal or a pipe would be a wrong number.
    Console(width=max(Console().width, 130)).print(table)
