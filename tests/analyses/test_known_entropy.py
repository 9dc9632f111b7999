"""Against simulated sweeps whose irreducible loss is known, and the committed runs."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.analyses.known_entropy import analyse, collect, held_out_entropy
from workbench.corpus.config import CorpusConfig
from workbench.corpus.languages import language
from workbench.corpus.prepare import prepare
from workbench.errors import BadInput
from workbench.reporting.render_html import render_html
from workbench.reporting.render_markdown import render_markdown
from workbench.runner.definition import read_definition
from workbench.runner.single import train_single
from workbench.store import Store

DOCS = Path(__file__).parents[2] / "docs"
SWEEP = Path(__file__).parents[2] / "sweeps" / "known-entropy.toml"


def simulated(seeds: int = 2, off: float = 0.0) -> pd.DataFrame:
    """Runs drawn from L = 2 + 300/N^0.9 + 900/D^0.7 with 0.1% noise; `off` shifts the truth they are held against."""
    rng = np.random.default_rng(0)
    n, d = (a.ravel() for a in np.meshgrid([900, 1400, 2700, 4300, 8800], [3e4, 6e4, 1.2e5, 2.5e5, 5e5]))
    frames = []
    for seed in range(seeds):
        loss = (2.0 + 300 / n**0.9 + 900 / d**0.7) * np.exp(rng.normal(0, 1e-3, len(n)))
        frame = pd.DataFrame(
            {"seed": seed, "n_params": n, "n_params_non_embedding": n - 400, "tokens": d, "loss": loss}
        )
        frames.append(frame.assign(flops=6 * n * d, status="done", role="grid", language="markov"))
    return pd.concat(frames, ignore_index=True).assign(source_entropy=2.0 * (1 + off))


def test_the_truth_behind_simulated_runs_is_covered():
    report = analyse(simulated(), resamples=200)
    assert report.data["passed"] and report.data["good"] == 2
    for verdict in report.data["seeds"]:
        low, high = verdict["interval"]
        assert low < 2.0 < high and verdict["half_width"] < 0.03 and not verdict["bound"]
        assert verdict["error"] == pytest.approx(verdict["E"] / 2.0 - 1)
        assert 0 < verdict["closest"] < 0.1


def test_another_truth_is_not_covered():
    report = analyse(simulated(off=0.05), resamples=200)
    assert not report.data["passed"] and report.data["good"] == 0
    assert "not passed" in report.summary[0]


def test_the_other_count_of_parameters_can_be_asked_for():
    report = analyse(simulated(1), resamples=50, convention="n_non_embedding")
    assert report.data["convention"] == "n_non_embedding"


def test_the_report_renders():
    document = json.loads(analyse(simulated(), resamples=50).to_json())
    html, markdown = render_html(document), render_markdown(document)
    assert "true entropy" in html and "| seed |" in markdown


def test_a_table_without_the_truth_is_refused():
    with pytest.raises(BadInput, match="source_entropy"):
        analyse(simulated().drop(columns="source_entropy"))


def test_two_truths_in_one_seed_are_refused():
    table = simulated(1)
    table.loc[0, "source_entropy"] = 3.0
    with pytest.raises(BadInput, match="2 true entropies"):
        analyse(table, resamples=20)


def test_the_committed_runs_find_the_truth_in_four_of_five_seeds():
    table = pd.read_parquet(DOCS / "known-entropy.parquet")
    assert set(table["seed"]) == {0, 1, 2, 3, 4} and (table["status"] == "done").all()
    report = analyse(table)
    assert report.data["passed"] and report.data["good"] >= 4


def test_the_committed_truths_are_those_of_the_language():
    table = pd.read_parquet(DOCS / "known-entropy.parquet")
    settings = read_definition(SWEEP).corpus.settings
    for seed, runs in table.groupby("seed"):
        known = language("markov", {**settings, "seed": seed})
        assert known.window_entropy(32) == pytest.approx(runs["source_entropy"].iloc[0], abs=1e-9)


def test_the_perfect_model_on_held_out_windows_meets_the_truth(tmp_path):
    settings = {"vocabulary": 8, "order": 1, "symbols": 200_000, "document_symbols": 2000}
    corpus = prepare(
        CorpusConfig(source="markov", settings=settings, tokenizer="symbols", vocab_size=8, validation_fraction=0.5),
        tmp_path,
    )
    truth = corpus.source_entropy(16)
    assert truth is not None
    assert held_out_entropy(corpus, 16, 4096) == pytest.approx(truth, rel=0.02)


def test_runs_are_collected_from_a_store_with_their_truth(tmp_path, monkeypatch):
    """A real run of a few steps, through the store."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    config = tmp_path / "run.toml"
    config.write_text(
        """
        seed_init = 7
        [corpus]
        source = "markov"
        tokenizer = "symbols"
        vocab_size = 8
        validation_fraction = 0.5
        settings = { vocabulary = 8, order = 1, symbols = 20_000, document_symbols = 1000, seed = 7 }
        [model]
        n_layer = 1
        n_head = 1
        d_model = 8
        context = 16
        [train]
        tokens = 640
        batch_tokens = 64
        """
    )
    store = Store.create(tmp_path / "store")
    train_single(config, store, "cpu", lambda said: None, lambda row: None)
    (row,) = collect(store).to_dict("records")
    truth = language("markov", {"vocabulary": 8, "order": 1, "seed": 7}).window_entropy(16)
    assert row["seed"] == 7 and row["language"] == "markov"
    assert row["source_entropy"] == pytest.approx(truth)
    assert row["held_out_entropy"] == pytest.approx(truth, rel=0.1) and row["held_out_entropy"] != truth
