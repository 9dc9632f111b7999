"""Running probes: the frame is what the store's `evals` table takes."""

import json
from typing import Any

import pandas as pd
import pytest

from workbench.corpus.shards import Corpus
from workbench.errors import BadInput
from workbench.evaluation import PROBES, run_probes
from workbench.models.decoder import Decoder
from workbench.store import Store


def test_every_probe_fills_the_stores_columns(model: Decoder, corpus: Corpus, config: Any, tmp_path: Any):
    frame = run_probes(model, corpus, list(PROBES), config, {"windows": 8, "items": 10})
    store = Store.create(tmp_path / "store")
    store.write_evals("r-1", 7, frame)
    stored = store.evals()
    assert set(stored["probe"]) == set(PROBES)
    assert (set(stored["run_id"]), set(stored["step"])) == ({"r-1"}, {7})
    assert json.loads(stored.loc[stored["probe"] == "task", "settings"].iloc[0]) == {
        "items": 10, "settings": config.corpus.settings, "task": "addition",
    }  # fmt: skip


def test_measuring_again_changes_nothing_and_other_settings_stand_beside(
    model: Decoder, corpus: Corpus, config: Any, tmp_path: Any
):
    store = Store.create(tmp_path / "store")
    for windows in (8, 8, 9):
        store.write_evals("r-1", 7, run_probes(model, corpus, ["perplexity"], config, {"windows": windows}))
    assert len(store.evals()) == 2 * 5
    assert store.evals()["probe_hash"].nunique() == 2
    again = run_probes(model, corpus, ["perplexity"], config, {"windows": 8})
    first = store.evals().query("settings == @again.settings[0]").reset_index(drop=True)
    pd.testing.assert_frame_equal(first[list(again.columns)], again)


def test_the_model_is_left_in_the_mode_it_was_in(model: Decoder, corpus: Corpus, config: Any):
    model.train()
    run_probes(model, corpus, ["perplexity"], config, {"windows": 2})
    assert model.training
    model.eval()


def test_a_probe_named_twice_runs_once(model: Decoder, corpus: Corpus, config: Any):
    frame = run_probes(model, corpus, ["perplexity", "perplexity"], config, {"windows": 2})
    assert len(frame) == 5


@pytest.mark.parametrize(
    ("probes", "settings", "sentence"),
    [
        ([], {}, "No probe is named; the probes are perplexity, loss-by-position, longer-context, task"),
        (["bleu"], {}, "no probe named 'bleu'; the probes are perplexity"),
        (["perplexity"], {"items": 3}, "items = 3: no setting of perplexity; the settings are windows"),
        (["perplexity"], {"windows": 0}, "probe perplexity: windows = 0: it should be greater than 0"),
        (["task"], {"task": "sorting"}, "The task 'sorting' is unknown; one of addition, associative-recall"),
        (["task"], {"settings": {"digit": 3}}, "has no such setting; it knows: digits"),
    ],
)
def test_bad_input_is_one_sentence(
    model: Decoder, corpus: Corpus, config: Any, probes: list[str], settings: dict[str, Any], sentence: str
):
    with pytest.raises(BadInput, match=sentence):
        run_probes(model, corpus, probes, config, settings)
