"""The parts of the scaling report that are about the runs: what was trained, is it sound, where it came from."""

from typing import Any

import numpy as np
import pandas as pd

from workbench.analyses import checks as checking
from workbench.analyses import emergence
from workbench.analyses.scaling import ScalingStudy
from workbench.reporting import figures, formats
from workbench.reporting.document import Block, Code, Column, Figure, Table, Text
from workbench.reporting.figures.pieces import plural

POINTS_DRAWN, LEAST, MOST = 6000, 10, 60
"""Points of learning curves that a figure draws, shared among the runs, and how few or many of one run."""

RUN_COLUMNS = (
    Column("run_id", "run"),
    Column("role", "role"),
    Column("budget", "budget [FLOPs]", "power"),
    Column("n_params", "N", "count"),
    Column("n_params_non_embedding", "N non-emb.", "count"),
    Column("n_layer", "layers", "integer"),
    Column("d_model", "width", "integer"),
    Column("tokens", "D", "count"),
    Column("flops", "C [FLOPs]", "power"),
    Column("steps", "steps", "integer"),
    Column("learning_rate", "rate", "number"),
    Column("loss", "loss", "loss"),
    Column("bpb", "bits/byte", "loss"),
    Column("seconds", "time", "seconds"),
    Column("status", "status"),
)

BUDGET_COLUMNS = (
    Column("budget", "budget [FLOPs]", "power"),
    Column("runs", "runs", "integer"),
    Column("n_smallest", "smallest N", "count"),
    Column("n_largest", "largest N", "count"),
    Column("n_best", "N of the best", "count"),
    Column("d_best", "D of the best", "count"),
    Column("loss_best", "best loss", "loss"),
    Column("margin", "below unigram", "percent"),
    Column("optimum", "optimum"),
)

TABLE_COLUMNS = (
    Column("run_id", "run"),
    Column("budget", "budget [FLOPs]", "power"),
    Column("n", "N", "count"),
    Column("d", "D", "count"),
    Column("c", "C [FLOPs]", "power"),
    Column("loss", "loss", "loss"),
)


def what_was_run(study: ScalingStudy) -> list[Block]:
    """How many runs, over what range, on what; the table of budgets and of runs; the learning curves."""
    if study.runs is None:
        return _table_alone(study)
    runs = study.runs
    if runs.empty:
        return [Text("The store holds no run yet. Train a sweep into it, then write the report again.", note=True)]
    blocks: list[Block] = [Text(_extent(runs)), Text(_material(runs))]
    if study.checks is not None and not study.checks.budgets.empty:
        blocks.append(Table.of("budgets", "The isoFLOP budgets", study.checks.budgets, BUDGET_COLUMNS))
    blocks += _curves(study)
    ordered = runs.sort_values(["budget", "n_params", "role", "rate_factor", "seed_init", "run_id"], ignore_index=True)
    blocks.append(Table.of("runs", f"All {plural(len(runs), 'run')}", ordered, RUN_COLUMNS, folded=True))
    return blocks


def _table_alone(study: ScalingStudy) -> list[Block]:
    """A table says less than a store: the points it has."""
    table = study.table
    if table.empty:
        return [Text("The table holds no usable run.", note=True)]
    parts = [f"{study.name} holds {plural(len(table), 'usable run')}"]
    for key, what, style in (("n", "parameters", "count"), ("d", "tokens", "count"), ("c", "FLOPs", "power")):
        if key in table.columns:
            parts.append(f"{_range(table[key], style)} {what}")
    ordered = table.sort_values([key for key in ("budget", "c", "n") if key in table.columns], ignore_index=True)
    listed = Table.of("runs", f"All {plural(len(table), 'point')}", ordered, TABLE_COLUMNS, folded=True)
    return [Text(", ".join(parts) + "."), listed]


def _extent(runs: pd.DataFrame) -> str:
    finished = checking.done(runs)
    text = f"{plural(len(runs), 'run')}, of which {len(finished)} finished"
    if finished.empty:
        return text + "."
    roles = finished["role"].value_counts()
    named = [f"{roles[role]} {what}" for role, what in ROLES.items() if role in roles.index]
    return (
        f"{text} ({', '.join(named)}): {_range(finished['n_params'], 'count')} parameters, "
        f"{_range(finished['tokens'], 'count')} tokens, {_range(finished['flops'], 'power')} FLOPs each, "
        f"{formats.power(runs['flops_spent'].sum(), 3)} FLOPs and {formats.seconds(float(runs['seconds'].sum()))} of "
        "training in all."
    )


def extent(study: ScalingStudy) -> dict[str, Any] | None:
    """What the first paragraph says of the runs, for programs."""
    runs = study.runs
    if runs is None or runs.empty:
        return None
    finished = checking.done(runs)
    said: dict[str, Any] = {"runs": len(runs), "finished": len(finished)}
    said["roles"] = {str(role): int(many) for role, many in finished["role"].value_counts().sort_index().items()}
    said |= {"flops_spent": float(runs["flops_spent"].sum()), "seconds": float(runs["seconds"].sum())}
    for column in ("corpus", "tokenizer", "vocab_size", "context", "precision", "schedule"):
        said[column] = sorted({str(value) for value in runs[column].dropna()})
    for column in ("bytes_per_token", "unigram_entropy", "source_entropy"):
        said[column] = float(runs[column].iloc[0])
    for column in ("n_params", "tokens", "flops"):
        said[column] = [float(finished[column].min()), float(finished[column].max())]
    return said


def _range(values: pd.Series, style: str) -> str:
    """'4.9k to 509k', or one number where all are the same."""
    low, high = (formats.show(float(value), style) for value in (values.min(), values.max()))
    return low if low == high else f"{low} to {high}"


ROLES = {
    "grid": "of the design",
    "seed": "repeating a point with another seed",
    "rate": "checking the learning rate",
    "variant": "of a named change",
}


def _material(runs: pd.DataFrame) -> str:
    first = runs.iloc[0]
    devices = ", ".join(sorted({str(device) for device in runs["device"].dropna()}))
    threads = ", ".join(sorted({str(int(count)) for count in runs["threads"].dropna()}))
    entropy = formats.number(float(first["unigram_entropy"]), 4)
    text = (
        f"Corpus `{_values(runs, 'corpus')}` under a `{_values(runs, 'tokenizer')}` tokenizer of "
        f"{_values(runs, 'vocab_size')} tokens, {formats.number(float(first['bytes_per_token']))} bytes per token on "
        f"the held-out text; the unigram entropy, which knows only how often each token occurs, is "
        f"{entropy} nats per token. Context {_values(runs, 'context')}, precision {_values(runs, 'precision')}, "
        f"schedule {_values(runs, 'schedule')}. Device: {devices}, CPU threads a run: {threads}."
    )
    known = runs["source_entropy"].dropna()
    if known.empty:
        return text
    entropy = formats.number(float(known.iloc[0]), 4)
    return f"{text} The source's own entropy at this context is {entropy} nats per token."


def _values(runs: pd.DataFrame, column: str) -> str:
    """The distinct values of a column, in words."""
    return ", ".join(sorted({str(value) for value in runs[column].dropna()})) or "unknown"


def _curves(study: ScalingStudy) -> list[Block]:
    if study.runs is None or study.curves is None or study.curves.empty:
        return []
    each = points_per_run(study.curves)
    drawn = figures.thin(study.curves, each)
    said = f"{plural(study.curves['run_id'].nunique(), 'run')}; "
    said += "every logged point" if len(drawn) == len(study.curves) else f"at most {each} points of each run"
    caption = f"Training loss against tokens, one line a run, coloured by size. {said}."
    shown = drawn[["run_id", "step", "tokens", "train_loss"]].reset_index(drop=True)
    return [Figure("learning-curves", caption, figures.learning_curves(study.runs, drawn), shown)]


def soundness(study: ScalingStudy) -> list[Block]:
    """The facts, then the learning-rate check and the noise of seeds."""
    checks = study.checks
    if checks is None:
        return []
    facts = pd.DataFrame([{"name": f.name, "asked": f.asked, "found": f.found, "met": f.met} for f in checks.facts])
    columns = (Column("name", "check"), Column("asked", "asked"), Column("found", "found"), Column("met", "met"))
    blocks: list[Block] = [Table.of("facts", "What a sweep needs before its law means something", facts, columns)]
    if not checks.rates.empty:
        blocks += _rates(checks)
    if not checks.seeds.empty:
        blocks += _seeds(checks)
    if not checks.repeated.empty:
        many = plural(len(checks.repeated), "run")
        blocks.append(Text(f"{many} saw tokens more than once; their losses are not those of fresh data.", note=True))
    return blocks


def _rates(checks: checking.Checks) -> list[Block]:
    caption = (
        f"Change of the held-out loss when the learning rate is multiplied, {len(checks.rates)} points: a rule that is "
        "right at every size and horizon has its minimum at ×1."
    )
    columns = (
        Column("n", "N", "count"),
        Column("d", "D", "count"),
        Column("rate_factor", "factor", "number"),
        Column("learning_rate", "rate", "number"),
        Column("loss", "loss", "number4"),
        Column("change", "change", "signed"),
    )
    figure = Figure("rate-check", caption, figures.rate_check(checks.rates), checks.rates)
    return [figure, Table.of("rates", "The learning-rate check", checks.rates, columns)]


def _seeds(checks: checking.Checks) -> list[Block]:
    configurations = checks.seeds["config_id"].nunique()
    text = (
        f"{plural(len(checks.seeds), 'run')} of {plural(configurations, 'configuration')} differ in their seeds alone: "
        f"the standard deviation of ln loss is {formats.number(checks.seed_sd, 2)}, about "
        f"{formats.percent(checks.seed_sd)} of the loss."
    )
    columns = (
        Column("n", "N", "count"),
        Column("d", "D", "count"),
        Column("seed_init", "seed", "integer"),
        Column("loss", "loss", "number4"),
        Column("change", "against the mean", "signed"),
    )
    return [Text(text), Table.of("seeds", "Repeated runs", checks.seeds, columns)]


def tasks(study: ScalingStudy) -> list[Block]:
    """Task curves, where task probes were run: on the runs studied, and on those that could not share their law."""
    if study.runs is None or study.evals is None:
        return []
    chosen = study.settings
    runs = pd.concat([study.runs, *(other.runs for other in study.others)], ignore_index=True)
    return emergence.blocks(runs, study.evals, min(chosen["resamples"], 200), chosen["seed"], chosen["level"])


def provenance(study: ScalingStudy) -> list[Block]:
    """Versions and fingerprints of the runs."""
    if study.runs is None or study.runs.empty:
        return []
    runs = study.runs
    lines = [
        f"workbench    {_values(runs, 'workbench_version')}",
        f"torch        {_values(runs, 'torch_version')}",
        f"Python       {_values(runs, 'python_version')}",
        f"corpus       {_values(runs, 'corpus_fingerprint')}",
        f"numerics     {_values(runs, 'numerics')}",
        f"ended        {_span(runs)}",
    ]
    return [Code("\n".join(lines))]


def _span(runs: pd.DataFrame) -> str:
    times = sorted(str(value) for value in runs["created_at"].dropna())
    return f"the first run {times[0]}, the last {times[-1]}" if times else "unknown"


def evaluated(study: ScalingStudy) -> pd.DataFrame:
    """Held-out points of the curves with each run's N, thinned for drawing: run_id, n, flops, loss."""
    if study.curves is None or study.table.empty or "run_id" not in study.table.columns:
        return pd.DataFrame(columns=["run_id", "n", "flops", "loss"])
    points = study.curves.dropna(subset=["loss"]).merge(study.table[["run_id", "n"]], on="run_id")
    points = points[(points["flops"] > 0) & np.isfinite(points["loss"])].reset_index(drop=True)
    return figures.thin(points, points_per_run(points))[["run_id", "n", "flops", "loss"]].reset_index(drop=True)


def points_per_run(curves: pd.DataFrame) -> int:
    """How many points of each run a figure draws, so that a large sweep still makes a page of a few megabytes."""
    return min(max(POINTS_DRAWN // max(curves["run_id"].nunique(), 1), LEAST), MOST)
