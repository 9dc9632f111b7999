"""`workbench generate RUN --prompt TEXT`: let a trained model continue a prompt."""

from pathlib import Path

import click

from workbench.cli.imports import import_option
from workbench.cli.output import emit, json_option
from workbench.cli.sweep_options import store_option


@click.command()
@click.argument("run", metavar="RUN")
@click.option("--prompt", required=True, help="The text to continue.")
@store_option
@click.option("--tokens", type=click.IntRange(min=1), default=128, show_default=True, help="New tokens at most.")
@click.option(
    "--temperature", type=float, default=1.0, show_default=True, help="0 takes the likeliest token each time."
)
@click.option("--top-k", type=int, help="Sample among the k likeliest tokens.")
@click.option("--top-p", type=float, default=1.0, show_default=True, help="Sample among the fewest that reach p.")
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="The same seed, the same text."
)
@import_option
@json_option
def command(
    run: str,
    prompt: str,
    store_path: Path,
    tokens: int,
    temperature: float,
    top_k: int | None,
    top_p: float,
    seed: int,
    as_json: bool,
) -> None:
    """Continue a prompt until `--tokens` or the end of the text. RUN is a run's id or its beginning."""
    import torch

    from workbench.generation import Sampling, generate
    from workbench.runner.trained import load_trained
    from workbench.store import Store
    from workbench.validation import validated

    sampling = validated(
        Sampling, {"temperature": temperature, "top_k": top_k, "top_p": top_p}, "the options of generate"
    )
    store = Store(store_path)
    run_id = str(store.run(run)["run_id"])
    model, _, corpus = load_trained(store, run_id)
    tokenizer = corpus.tokenizer
    prompt_ids = torch.tensor([tokenizer.encode(prompt)], dtype=torch.long)
    generator = torch.Generator().manual_seed(seed)
    written = generate(model, prompt_ids, tokens, sampling, generator, tokenizer.end_of_text, tokenizer.vocab_size)
    ids = written[0].tolist()
    payload = {
        "run_id": run_id,
        "prompt": prompt,
        "text": tokenizer.decode(ids),
        "tokens": ids,
        "ended": ids[-1] == tokenizer.end_of_text,
        "seed": seed,
        "sampling": sampling.model_dump(),
    }
    emit(as_json, payload, lambda: click.echo(f"{prompt}{payload['text']}"))
