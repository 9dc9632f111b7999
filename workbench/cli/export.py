"""`workbench export RUN --out FOLDER`: a trained model for Hugging Face's `transformers`."""

from dataclasses import asdict
from pathlib import Path

import click

from workbench.cli.output import emit, json_option
from workbench.cli.sweep_options import store_option


@click.command()
@click.argument("run", metavar="RUN")
@store_option
@click.option(
    "--out", "folder", type=click.Path(path_type=Path), required=True, metavar="FOLDER", help="A folder to make."
)
@json_option
def command(run: str, store_path: Path, folder: Path, as_json: bool) -> None:
    """Write a finished run's model and tokenizer as a folder that `transformers` opens; nothing else is needed there.

    RUN is a run's id or its beginning. The format is GPT-2, Llama or GPT-NeoX, whichever holds the model exactly; a
    model that none can hold is refused.
    """
    from workbench.runner.export import export_run
    from workbench.store import Store

    written = export_run(Store(store_path), run, folder)

    def text() -> None:
        click.echo(f"{written.run_id}: {written.n_params:,} parameters as {written.architecture} in {written.folder}")
        click.echo(f"Open it: transformers.AutoModelForCausalLM.from_pretrained({str(written.folder)!r})")

    emit(as_json, asdict(written), text)
