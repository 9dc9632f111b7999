"""`workbench run CONFIG`: train one model."""

from pathlib import Path
from typing import Any

import click

from workbench.cli.imports import import_option
from workbench.cli.output import emit, json_option, say
from workbench.cli.sweep import device_option
from workbench.cli.sweep_options import store_option
from workbench.errors import WorkbenchError


@click.command()
@click.argument("config_path", metavar="CONFIG", type=click.Path(path_type=Path))
@store_option
@device_option
@import_option
@json_option
def command(config_path: Path, store_path: Path, device: str, as_json: bool) -> None:
    """Train one model from a TOML file with [corpus], [model] and [train]; a run that is done is shown, not repeated.

    \b
    [model]
    n_layer = 2
    n_head = 2
    d_model = 64
    [train]
    tokens = 1_000_000
    """
    from workbench.runner.single import train_single
    from workbench.store import Store

    def log(row: dict[str, Any]) -> None:
        held_out = f"  held-out {row['loss']:.4f}" if row["loss"] == row["loss"] else ""
        say(f"step {row['step']:>6}  loss {row['train_loss']:.4f}  rate {row['learning_rate']:.3g}{held_out}")

    row = train_single(config_path, Store.create(store_path), device, say, log)

    def text() -> None:
        click.echo(
            f"{row['run_id']}: {row['status']}, loss {row['loss']:.4f} nats per token, {row['bpb']:.4f} bits per byte, "
            f"N {row['n_params']:,}, D {row['tokens']:,}, C {row['flops']:.3g}\n"
            f"Next: workbench generate {row['run_id']} --prompt 'def ' --store {store_path}"
        )

    emit(as_json, {key: value for key, value in row.items() if key != "config"}, text)
    if row["status"] != "done":
        raise WorkbenchError(f"{row['run_id']} {row['status']}: {row['error']}")
