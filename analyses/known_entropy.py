"""Does the fitted irreducible loss find the truth? Sweeps over languages whose entropy is known, one for each seed.

E of a parametric fit is an extrapolation to infinite size and data, where nothing can be measured; text has no answer
to compare it with. A synthetic language has one: the loss of a perfect model with the same window,
(1/T) Σ_{t=1..T} H(X_t | X_0 … X_{t−1}), which the store keeps as `source_entropy`. The protocol is in
docs/known-entropy.md, and the runs of its five seeds in docs/known-entropy.parquet.
"""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.corpus.batches import gather, validation_windows
from workbench.corpus.languages import language
from workbench.corpus.prepare import prepare
from workbench.corpus.shards import Corpus
from workbench.errors import BadInput
from workbench.fitting import Fit, fit, from_runs
from workbench.fitting.tables.canonical import LEFT_OUT
from workbench.reporting import formats, theme
from workbench.reporting.document import Column, Figure, Report, Section, Table, Text
from workbench.store import Store
from workbench.training.config import RunConfig

KEPT = (
    "run_id", "config_id", "status", "role", "design", "n_params", "n_params_non_embedding", "tokens", "flops",
    "flops_6nd", "loss", "loss_se", "source_entropy", "unigram_entropy", "learning_rate", "rate_factor", "steps",
    "batch_tokens", "seed_init", "seed_data", "d_model", "n_layer", "context", "seconds",
)  # fmt: skip
"""Columns of `runs` that the committed table has, beside `language` and `seed`."""

WIDEST = 0.03
"""Largest half-width of E's interval, as a share of the fitted E, that counts as having found something."""

NEEDED = 0.8
"""Share of the seeds whose interval must cover the truth."""

INTERVALS = "residuals"
"""The default when the protocol was fixed, and part of it."""

COLUMNS = (
    Column("seed", "seed"),
    Column("truth", "true entropy", "loss"),
    Column("E", "fitted E", "loss"),
    Column("interval", "95% interval", "interval-loss"),
    Column("half_width", "half-width", "percent"),
    Column("error", "E − truth", "signed"),
    Column("sample", "held-out sample − truth", "signed"),
    Column("covers", "covers"),
    Column("bound", "bound hit"),
    Column("alpha", "α", "number"),
    Column("beta", "β", "number"),
    Column("closest", "best run above truth", "percent"),
    Column("noise", "rms residual", "percent"),
)


def collect(store: Store) -> pd.DataFrame:
    """The table of a store's runs on languages of known entropy, with the seed of the language."""
    runs = store.runs()
    runs = runs[runs["source_entropy"].notna()].reset_index(drop=True)
    configs = [RunConfig.model_validate_json(config) for config in runs["config"]]
    runs["language"] = [config.corpus.source for config in configs]
    runs["seed"] = [int(config.corpus.settings.get("seed", 0)) for config in configs]
    held_out: dict[tuple[str, int, int], float] = {}
    for config, fingerprint in zip(configs, runs["corpus_fingerprint"], strict=True):
        key = fingerprint, config.model.context, config.train.eval_windows
        if key not in held_out:
            held_out[key] = held_out_entropy(prepare(config.corpus), *key[1:])
    runs["held_out_entropy"] = [
        held_out[fingerprint, config.model.context, config.train.eval_windows]
        for config, fingerprint in zip(configs, runs["corpus_fingerprint"], strict=True)
    ]
    table = runs[["language", "seed", *KEPT, "held_out_entropy"]]
    return table.sort_values(["language", "seed", "n_params", "tokens", "rate_factor"], ignore_index=True)


def held_out_entropy(corpus: Corpus, context: int, max_windows: int) -> float:
    """The perfect model's loss on the very windows that runs are evaluated on: the truth plus their sampling error."""
    known = language(corpus.config.source, corpus.config.settings)
    windows = validation_windows(len(corpus.validation), context, max_windows)
    ids_WS = gather(corpus.validation, windows, context)
    symbols_WS = known.encode(corpus.tokenizer.decode(ids_WS.ravel())).reshape(ids_WS.shape)
    return float(known.machine.surprisal(symbols_WS)[:, 1:].mean())


def analyse(table: pd.DataFrame, resamples: int = 1000, seed: int = 0, convention: str = "n") -> Report:
    """Fit each seed's sweep and hold its E against the truth."""
    needed = {"language", "seed", "source_entropy", "n_params", "tokens", "loss"}
    if not needed <= set(table.columns) or table.empty:
        raise BadInput(f"a table of known entropy has runs, and the columns {', '.join(sorted(needed))}.")
    rows, fits = [], {}
    for number, runs in table.groupby("seed", sort=True):
        fits[number] = fit(
            from_runs(runs), "chinchilla", convention=convention, resamples=resamples, seed=seed, intervals=INTERVALS
        )
        rows.append({"seed": number, **judge(fits[number], runs)})
    verdicts = pd.DataFrame(rows)
    good = int((verdicts["covers"] & (verdicts["half_width"] <= WIDEST) & ~verdicts["bound"]).sum())
    passed = good >= NEEDED * len(verdicts)
    counted = "all parameters" if convention == "n" else "non-embedding parameters"
    summary = (
        f"In {good} of {len(verdicts)} seeds the 95% interval of the fitted irreducible loss covers the true entropy, "
        f"is no wider than ±{100 * WIDEST:g}% and no parameter is at a bound; {NEEDED:.0%} were asked for: "
        f"{'passed' if passed else 'not passed'}.",
        f"E misses the truth by {100 * float(verdicts['error'].abs().median()):.2f}% in the median seed and by "
        f"{100 * float(verdicts['error'].abs().max()):.2f}% in the worst; the half-widths are "
        f"{100 * float(verdicts['half_width'].min()):.2f}% to {100 * float(verdicts['half_width'].max()):.2f}%.",
    )
    made = Text(
        f"Law: L(N, D) = E + A/N^α + B/D^β, N counting {counted}; sum of Huber (δ = 0.001) on the log of the loss; "
        f"{fits[verdicts['seed'].iloc[0]].interval_method}. The true entropy is that of a perfect model with the same "
        "window at a random position; percentages are of it, except the half-width, which is of E. The held-out sample "
        "is the loss of that perfect model on the very windows that the runs are evaluated on: where it is off, "
        "all runs are off by as much, and so is E."
    )
    found = Section("E against the truth", (made, Figure(*_interval_figure(verdicts)), _table(verdicts)))
    runs_section = Section("The runs", (Figure(*_excess_figure(table)),))
    data = {"passed": passed, "good": good, "seeds": verdicts.to_dict("records"), "convention": convention}
    return Report("A fitted irreducible loss against a known entropy", summary, (found, runs_section), data)


def judge(fitted: Fit, runs: pd.DataFrame) -> dict[str, object]:
    """One seed's verdict: does the interval of E cover the truth, how wide is it, is anything at a bound?"""
    truths = runs["source_entropy"].unique()
    if len(truths) != 1:
        raise BadInput(f"the runs of one seed have {len(truths)} true entropies; one language and one window is right.")
    truth, (low, high) = float(truths[0]), fitted.interval("E")
    return {
        "truth": truth,
        "E": fitted.params["E"],
        "interval": [low, high],
        "half_width": (high - low) / 2 / fitted.params["E"],
        "error": fitted.params["E"] / truth - 1,
        "covers": bool(low <= truth <= high),
        "bound": any(" bound" in note for note in fitted.notes),
        "alpha": fitted.params["alpha"],
        "beta": fitted.params["beta"],
        "closest": float(fitted.residuals["loss"].min()) / truth - 1,
        "sample": float(runs["held_out_entropy"].iloc[0]) / truth - 1 if "held_out_entropy" in runs else None,
        "noise": float(np.sqrt((fitted.residuals["residual"] ** 2).mean())),
        "points": fitted.n_points,
    }


def _table(verdicts: pd.DataFrame) -> Table:
    return Table.of(
        "seeds", "One sweep a seed, of the language, of the initial weights and of the data", verdicts, COLUMNS
    )


def _interval_figure(verdicts: pd.DataFrame) -> tuple[str, str, go.Figure, pd.DataFrame]:
    """Fitted E and its interval as a distance from the truth, seed by seed."""
    ends = np.array(verdicts["interval"].tolist()) / verdicts["truth"].to_numpy()[:, None] - 1
    shown = pd.DataFrame({"seed": verdicts["seed"], "error": 100 * verdicts["error"]})
    shown["low"], shown["high"] = 100 * ends[:, 0], 100 * ends[:, 1]
    figure = theme.blank(360)
    bars = {"type": "data", "array": shown["high"] - shown["error"], "arrayminus": shown["error"] - shown["low"]}
    marks = {"size": 10, "color": theme.BLUE}
    seeds = [str(seed) for seed in shown["seed"]]
    figure.add_trace(go.Scatter(x=seeds, y=shown["error"], error_y=bars, mode="markers", marker=marks, name="fitted E"))
    figure.add_hline(y=0, line={"color": theme.INK, "dash": "dash"})
    figure.update_xaxes(title="seed", type="category").update_yaxes(title="E − true entropy [% of it]")
    return "intervals", "Fitted E and its 95% interval; the dashed line is the truth.", figure, shown


def _excess_figure(table: pd.DataFrame) -> tuple[str, str, go.Figure, pd.DataFrame]:
    """What every run of the first seed has left to learn: loss above the truth against N, a line for each D."""
    shown = table[(table["seed"] == table["seed"].min()) & ~table["role"].isin(LEFT_OUT)].copy()
    shown["excess"] = 100 * (shown["loss"] / shown["source_entropy"] - 1)
    figure = theme.blank(420)
    low, high = float(shown["tokens"].min()), float(shown["tokens"].max())
    for tokens, runs in shown.sort_values("n_params").groupby("tokens", sort=True):
        color = theme.shade(float(str(tokens)), low, high)
        name = f"D = {formats.count(float(str(tokens)), 3)}"
        x, y = runs["n_params"].tolist(), runs["excess"].tolist()
        figure.add_trace(go.Scatter(x=x, y=y, mode="lines+markers", name=name, line={"color": color}))
    figure.update_xaxes(theme.log_axis(shown["n_params"], "parameters N", "count"))
    figure.update_yaxes(theme.log_axis(shown["excess"], "loss above the true entropy [%]", "plain"))
    caption = f"Seed {shown['seed'].min()}: how far each run is above the true entropy."
    return "excess", caption, figure, shown[["n_params", "tokens", "loss", "source_entropy", "excess"]]
