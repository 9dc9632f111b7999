"""`workbench corpus`: prepare a corpus, or show what a prepared one holds."""

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.output import emit, json_option, say
from workbench.errors import BadInput
from workbench.validation import read_toml

if TYPE_CHECKING:
    from workbench.corpus.config import CorpusConfig
    from workbench.corpus.shards import Corpus

SAMPLE_TOKENS = 200


@click.group()
def command() -> None:
    """Prepare a corpus, or show what it holds.

    NAME is a source (`python`, `english-kjv`, `markov`, `addition` …) or a TOML file: a definition with a [corpus]
    table, or the keys of a corpus alone. A corpus is prepared once and kept.
    """


def _options(function: Any) -> Any:
    """The arguments that both commands take."""
    for decorate in (
        json_option,
        click.option("--root", type=click.Path(path_type=Path), help="Where prepared corpora are kept."),
        click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A setting of the source."),
        click.option("--max-bytes", type=int, help="Bytes of text at most, a sample of the whole."),
        click.option("--vocab-size", type=int, help="Ids of the vocabulary (bpe, symbols)."),
        click.option("--tokenizer", help="bytes, bpe, gpt2 or symbols."),
        click.argument("name"),
    ):
        function = decorate(function)
    return function


@command.command()
@_options
def prepare(as_json: bool, name: str, root: Path | None, **choices: Any) -> None:
    """Read, clean, de-duplicate, split and tokenize the corpus NAME, unless that is done already."""
    corpus = _prepare(name, root, choices)
    emit(as_json, _summary(corpus), lambda: _print(corpus))


@command.command()
@_options
def show(as_json: bool, name: str, root: Path | None, **choices: Any) -> None:
    """Show the corpus NAME: how it was made, its statistics and a sample of its text."""
    corpus = _prepare(name, root, choices)
    sample = corpus.tokenizer.decode(corpus.train[:SAMPLE_TOKENS].tolist())

    def text() -> None:
        _print(corpus)
        _print_settings(corpus)
        click.echo(f"\nThe first {min(SAMPLE_TOKENS, corpus.n_train_tokens)} tokens of the training split:\n")
        click.echo(sample)

    emit(as_json, {**corpus.manifest, "folder": str(corpus.folder), "sample": sample}, text)


def _prepare(name: str, root: Path | None, choices: dict[str, Any]) -> "Corpus":
    from workbench.corpus.prepare import prepare

    return prepare(read_config(name, choices), root, progress=say)


def read_config(name: str, choices: dict[str, Any]) -> "CorpusConfig":
    """The config of a source's name or of a TOML file, with the options given on the command line over it."""
    from workbench.corpus.config import corpus_config

    path = Path(name)
    table: dict[str, Any] = _corpus_table(path) if path.suffix == ".toml" else {"source": name}
    if choices["tokenizer"] is not None and choices["tokenizer"] != table.get("tokenizer"):
        table.pop("vocab_size", None)
    for key in ("tokenizer", "vocab_size", "max_bytes"):
        if choices[key] is not None:
            table[key] = choices[key]
    settings = dict(_setting(text) for text in choices["settings"])
    if settings:
        table["settings"] = {**table.get("settings", {}), **settings}
    return corpus_config(table, name if path.suffix == ".toml" else "the command line")


def _corpus_table(path: Path) -> dict[str, Any]:
    """The table [corpus] of a file, or the whole file where it has none."""
    table = read_toml(path)
    corpus = table.get("corpus", table)
    if not isinstance(corpus, dict):
        raise BadInput(f"{path}: corpus = {corpus!r}: it should be a table [corpus]")
    return dict(corpus)


def _setting(text: str) -> tuple[str, Any]:
    """`key=value`, the value as TOML writes it; what is not TOML is a string."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise BadInput(f"--set {text}: KEY=VALUE is right.")
    try:
        return key, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key, value


def _summary(corpus: "Corpus") -> dict[str, Any]:
    return {**corpus.manifest, "folder": str(corpus.folder)}


def _print(corpus: "Corpus") -> None:
    """The manifest as two small tables."""
    from rich.console import Console
    from rich.table import Table

    manifest, console = corpus.manifest, Console()
    steps = Table("step", "documents", "bytes", title=corpus.folder.name, title_justify="left")
    for step, count in manifest["steps"].items():
        dropped = f" ({count['dropped_lines']:,} dropped)" if "dropped_lines" in count else ""
        steps.add_row(step + dropped, f"{count['documents']:,}", f"{count['bytes']:,}")
    for side in ("train", "validation"):
        steps.add_row(side, f"{manifest['documents'][side]:,}", f"{manifest['bytes'][side]:,}")
    for column in steps.columns[1:]:
        column.justify = "right"
    console.print(steps)
    facts = Table(show_header=False, box=None)
    for key, value in {
        "tokens": f"{corpus.n_train_tokens:,} training, {corpus.n_validation_tokens:,} held out",
        "tokenizer": f"{corpus.config.tokenizer}, {corpus.vocab_size:,} ids",
        "bytes per token": f"{corpus.bytes_per_token:.3f}",
        "unigram entropy": f"{corpus.unigram_entropy:.4f} nats per token (a model without context)",
        "fingerprint": corpus.fingerprint,
        "folder": str(corpus.folder),
    }.items():
        facts.add_row(key, value)
    console.print(facts)


def _print_settings(corpus: "Corpus") -> None:
    """What can be set of each source of the corpus, and what was."""
    from workbench.corpus.sources import SOURCES

    for part in corpus.config.parts:
        click.echo(f"\nSettings of the source {part.source}:\n")
        known = SOURCES[part.source].settings or {}
        for key in [*known, *(key for key in part.settings if key not in known)]:
            value = part.settings.get(key, known[key].default if key in known else None)
            click.echo(f"  {key} = {value!r}" + (f"   {known[key].meaning}" if key in known else ""))
