"""Configurations side by side: every key by its dotted name, those that differ first."""

import json

import pandas as pd

from workbench.analyses import configs

RUNS = pd.DataFrame(
    {
        "run_id": ["r-1", "r-2", "r-3"],
        "config": [
            json.dumps({"model": {"d_model": 8, "bias": True, "mix": []}, "train": {"rate": 1e-3, "clip": None}}),
            json.dumps({"model": {"d_model": 16, "bias": True, "mix": []}, "train": {"rate": 1e-3, "clip": 1.0}}),
            json.dumps({"model": {"d_model": 8, "bias": True, "mix": []}, "train": {"rate": 1e-3, "clip": None}}),
        ],
    }
)


def test_every_key_is_a_column_and_those_that_vary_come_first():
    table = configs.table(RUNS)
    assert table.columns.tolist() == ["model.d_model", "train.clip", "model.bias", "model.mix", "train.rate"]
    assert table.loc["r-2", "model.d_model"] == 16
    assert configs.varying(table) == ["model.d_model", "train.clip"]


def test_only_what_differs_is_set_side_by_side_as_json_has_it():
    found = configs.differences(RUNS.head(2))
    assert found.to_dict("records") == [
        {"key": "model.d_model", "r-1": "8", "r-2": "16"},
        {"key": "train.clip", "r-1": "null", "r-2": "1.0"},
    ]
    assert configs.differences(RUNS.iloc[[0, 2]]).empty


def test_a_key_that_only_some_have_differs_from_one_that_is_set():
    newer = json.dumps({**json.loads(RUNS["config"][0]), "new": 2})
    runs = pd.concat([RUNS.head(1), pd.DataFrame({"run_id": ["r-4"], "config": [newer]})])
    assert configs.differences(runs)["key"].tolist() == ["new"]
