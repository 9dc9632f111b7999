"""The store's tables: every column with its type and its meaning. The version rises when a column is added.

A store keeps the version it was made with: all its files have the same columns, or plain pandas would drop some of them
without a word. What is newer is not written to an older store, and read from it as missing; `Store.migrate` adds it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa

SCHEMA_VERSION = 5

VERSION_KEY = b"workbench_schema_version"
"""Where a file's metadata says which version it was written with."""

TEXT, REAL, WHOLE = pa.string(), pa.float64(), pa.int64()


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    name: str
    kind: pa.DataType
    meaning: str
    since: int = 1
    """The schema version that brought it."""


RUNS = (
    Column("run_id", TEXT, "r- and a hash of what determines the result"),
    Column("config_id", TEXT, "the same for runs that differ in their seeds alone; the key for clustering"),
    Column("parent_id", TEXT, "the run this one continues, or empty"),
    Column("trunk_id", TEXT, "of wsd: the same for runs that are one until their decays begin; else empty", since=4),
    Column("branch_step", WHOLE, "the step at which it left its parent; 0 for a run trained alone", since=4),
    Column("stage", TEXT, "pretrain"),
    Column("sweep", TEXT, "the sweep under which the run was first trained; membership is in the manifests"),
    Column("status", TEXT, "done, diverged or failed"),
    Column("n_params", WHOLE, "N: all parameters"),
    Column("n_params_non_embedding", WHOLE, "N as Kaplan counts it: no token or position embedding, no untied head"),
    Column("n_params_active", WHOLE, "parameters that one token meets"),
    Column("tokens", WHOLE, "D: tokens trained on"),
    Column("unique_tokens", WHOLE, "different tokens among them: fewer than D when the corpus was repeated"),
    Column("steps", WHOLE, "optimizer steps"),
    Column("batch_tokens", WHOLE, "tokens per step"),
    Column("flops", REAL, "C: exact matrix products of training, attention dense, the head included"),
    Column("flops_6nd", REAL, "6 · n_params · tokens"),
    Column("flops_spent", REAL, "the FLOPs of this run's own part"),
    Column("flops_executed", REAL, "flops_spent with recomputation, and the further passes of sam and adversaries"),
    Column("loss", REAL, "held-out loss at the end, nats per token; NaN when diverged"),
    Column("loss_se", REAL, "its standard error over held-out windows, nats per token"),
    Column("bpb", REAL, "held-out bits per byte"),
    Column("train_loss", REAL, "mean training loss of the last logged stretch, nats per token"),
    Column("unigram_entropy", REAL, "held-out loss of the training unigram, nats per token"),
    Column("bytes_per_token", REAL, "bytes per token of the held-out text"),
    Column("source_entropy", REAL, "what a perfect model with this context reaches, nats per token; NaN when unknown"),
    Column("learning_rate", REAL, "peak rate"),
    Column("warmup_steps", WHOLE, "steps of linear warm-up"),
    Column("schedule", TEXT, "cosine, wsd, linear, constant or inverse-sqrt"),
    Column("precision", TEXT, "fp32, bf16 or fp16"),
    Column("budget", REAL, "the isoFLOP budget that the run belongs to, FLOPs; NaN elsewhere"),
    Column("design", TEXT, "isoflop, grid, ladder, random, latin-hypercube, list or single"),
    Column("role", TEXT, "grid, seed (a replicate), rate (a check of the learning rate) or variant (a named change)"),
    Column("rate_factor", REAL, "peak rate as a multiple of the rule's"),
    Column("seed_init", WHOLE, "seed of the initial weights"),
    Column("seed_data", WHOLE, "seed of the batch order"),
    Column("n_layer", WHOLE, "layers"),
    Column("d_model", WHOLE, "width"),
    Column("n_head", WHOLE, "attention heads"),
    Column("context", WHOLE, "tokens in a window"),
    Column("vocab_size", WHOLE, "tokens in the vocabulary"),
    Column("position", TEXT, "rope, learned, sinusoidal, alibi or none; empty of a registered model"),
    Column("activation", TEXT, "relu, gelu, gelu-tanh, swiglu, geglu or relu2; empty of a registered model"),
    Column("norm", TEXT, "layernorm or rmsnorm"),
    Column("corpus", TEXT, "the corpus source"),
    Column("corpus_fingerprint", TEXT, "hash of the corpus's tokens and tokenizer"),
    Column("tokenizer", TEXT, "the kind of tokenizer"),
    Column("device", TEXT, "cpu, cuda:0, …"),
    Column("threads", WHOLE, "CPU threads of the run"),
    Column("seconds", REAL, "time of training and evaluation"),
    Column("tokens_per_second", REAL, "tokens / seconds"),
    Column("peak_memory_bytes", WHOLE, "most memory used"),
    Column(
        "numerics",
        TEXT,
        "how it was computed; on a CPU, runs with the same id and text here are equal bit for bit",
    ),
    Column("created_at", TEXT, "when the run ended, UTC, ISO 8601"),
    Column("workbench_version", TEXT, "version of this project, + a hash of its source"),
    Column("torch_version", TEXT, "version of torch"),
    Column("python_version", TEXT, "version of Python"),
    Column("packages", TEXT, "versions of the packages that a loss and its file depend on, as JSON", since=5),
    Column("error", TEXT, "why the run diverged or failed, or empty"),
    Column("config", TEXT, "the RunConfig as JSON"),
)

CURVES = (
    Column("run_id", TEXT, "the run"),
    Column("step", WHOLE, "optimizer steps done"),
    Column("tokens", WHOLE, "tokens trained on so far"),
    Column("flops", REAL, "FLOPs so far"),
    Column("seconds", REAL, "time so far"),
    Column("learning_rate", REAL, "rate of this step"),
    Column("train_loss", REAL, "mean training loss since the last row, nats per token"),
    Column("grad_norm", REAL, "norm of the gradient before clipping"),
    Column("noise_scale", REAL, "gradient noise scale since the last row, tokens; NaN where not measured", since=2),
    Column("grad_square", REAL, "mean over those steps of |G|², unbiased: may be below 0; NaN as above", since=3),
    Column(
        "grad_trace", REAL, "mean of tr(Σ), tokens times |G|², unbiased; noise_scale = grad_trace/grad_square", since=3
    ),
    Column("loss", REAL, "held-out loss, nats per token; NaN where not evaluated"),
    Column("loss_se", REAL, "its standard error over held-out windows"),
    Column("bpb", REAL, "held-out bits per byte; NaN where not evaluated"),
    Column("point", TEXT, "mid-schedule, or final where the schedule ended"),
)

EVALS = (
    Column("run_id", TEXT, "the run"),
    Column("step", WHOLE, "the checkpoint that was measured"),
    Column("probe", TEXT, "the probe's name"),
    Column("probe_hash", TEXT, "hash of the probe's name and settings"),
    Column("metric", TEXT, "what was measured"),
    Column("key", TEXT, "where: a position, a number of digits, …; empty for one number"),
    Column("value", REAL, "the measurement"),
    Column("se", REAL, "its standard error; NaN when it has none"),
    Column("n", WHOLE, "items it averages"),
    Column("settings", TEXT, "the probe's settings as JSON"),
)

FITS = (
    Column("fit_id", TEXT, "f- and a hash of the record"),
    Column("law", TEXT, "name of the law"),
    Column("objective", TEXT, "huber, lad, log-mse or mse"),
    Column("objective_value", REAL, "its value at the optimum"),
    Column("n_points", WHOLE, "points fitted"),
    Column("convention", TEXT, "which N"),
    Column("created_at", TEXT, "when, UTC, ISO 8601"),
    Column("record", TEXT, "the fit as JSON"),
)

TABLES: dict[str, tuple[Column, ...]] = {"runs": RUNS, "curves": CURVES, "evals": EVALS, "fits": FITS}


def arrow_schema(table: str, version: int = SCHEMA_VERSION) -> pa.Schema:
    """The typed schema of a table, its version in the metadata."""
    fields = [pa.field(column.name, column.kind) for column in TABLES[table] if column.since <= version]
    return pa.schema(fields, metadata={VERSION_KEY: str(version)})


def stated_version(schema: pa.Schema) -> int | None:
    """The schema version that a file says it was written with; none where it says nothing."""
    try:
        return int((schema.metadata or {})[VERSION_KEY])
    except (KeyError, ValueError):
        return None


def arrow_table(table: str, frame: pd.DataFrame, version: int = SCHEMA_VERSION) -> pa.Table:
    """`frame` as the typed table of a version; a missing or unknown column is an error of the caller."""
    names = {column.name for column in TABLES[table]}
    if set(frame.columns) != names:
        raise ValueError(f"{table}: columns differ from the schema by {sorted(set(frame.columns) ^ names)}")
    schema = arrow_schema(table, version)
    # pandas' own metadata would be half of a small file, and says nothing that the schema does not.
    return pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False).replace_schema_metadata(
        schema.metadata
    )


def arrow_row(table: str, row: Mapping[str, Any], version: int = SCHEMA_VERSION) -> pa.Table:
    """One row as the typed table of a version, as `arrow_table` makes it of a frame in ten times the time."""
    names = {column.name for column in TABLES[table]}
    if set(row) != names:
        raise ValueError(f"{table}: columns differ from the schema by {sorted(set(row) ^ names)}")
    schema = arrow_schema(table, version)
    columns = [pa.array([row[field.name]], field.type, from_pandas=True) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def documentation() -> str:
    """The tables as Markdown: docs/store.md holds exactly this."""
    lines = [f"# The store's tables (schema version {SCHEMA_VERSION})", ""]
    for table, columns in TABLES.items():
        lines += [f"## {table}", "", "| column | type | meaning |", "|---|---|---|"]
        lines += [f"| {column.name} | {column.kind} | {column.meaning} |" for column in columns]
        lines.append("")
    return "\n".join(lines)


def empty(table: str) -> pd.DataFrame:
    """The table with no rows."""
    return arrow_schema(table).empty_table().to_pandas()
