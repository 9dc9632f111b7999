"""What trackers write, read back: TensorBoard's files by its own writer, W&B's and MLflow's laid out as theirs."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from workbench.errors import BadInput
from workbench.fitting import read_table

RUNS = [(1e6, 2e7, 4.1), (2e6, 4e7, 3.7), (4e6, 8e7, 3.4)]
"""Parameters, tokens and loss of three runs."""


def triples(table: pd.DataFrame) -> list[tuple[float, float, float]]:
    return sorted(table[["n", "d", "loss"]].itertuples(index=False, name=None))


def wandb_run(folder: Path, run_id: str, config: dict[str, Any], summary: dict[str, Any] | None, day: int = 1) -> None:
    """One run as the client lays it out: config.yaml with value and desc, the summary as JSON."""
    files = folder / f"run-202611{day:02}_101010-{run_id}" / "files"
    files.mkdir(parents=True)
    described = {key: {"desc": None, "value": value} for key, value in config.items()}
    described["_wandb"] = {"desc": None, "value": {"cli_version": "0.31.0", "python_version": "3.11.9"}}
    (files / "config.yaml").write_text("wandb_version: 1\n\n" + yaml.safe_dump(described))
    (files / "wandb-metadata.json").write_text(json.dumps({"program": "train.py", "state": "running"}))
    if summary is not None:
        (files / "wandb-summary.json").write_text(json.dumps({**summary, "_step": 9, "_wandb": {"runtime": 3}}))


def mlflow_run(folder: Path, params: dict[str, Any], metrics: dict[str, list[tuple[int, float, int]]], **meta: Any):
    """One run as MLflow's file store lays it out; the fields of meta.yaml are those MLflow 3.17 writes."""
    run_id = f"{len(list(folder.glob('*'))):032x}"
    home = folder / run_id
    home.mkdir(parents=True)
    fields = {
        "artifact_uri": home.as_uri(), "end_time": 1795515956005, "entry_point_name": "", "experiment_id": "142384",
        "lifecycle_stage": "active", "run_id": run_id, "run_name": "r0", "source_name": "", "source_type": 4,
        "source_version": "", "start_time": 1795515955992, "status": 3, "tags": [], "user_id": "root",
    }  # fmt: skip
    (home / "meta.yaml").write_text(yaml.safe_dump(fields | meta))
    for key, value in params.items():
        (home / "params" / key).parent.mkdir(parents=True, exist_ok=True)
        (home / "params" / key).write_text(str(value))
    for key, points in metrics.items():
        (home / "metrics" / key).parent.mkdir(parents=True, exist_ok=True)
        (home / "metrics" / key).write_text("".join(f"{time} {value} {step}\n" for time, value, step in points))


def test_wandb_run_folders_give_one_row_a_run_with_nested_keys_and_the_last_metrics(tmp_path):
    for index, (n, d, loss) in enumerate(RUNS):
        config = {"model": {"n_params": n, "layers": [1, 2]}, "tokens": d, "lr": 1e-3, "optimizer": "adamw"}
        wandb_run(tmp_path / "wandb", f"my-run-{index}", config, {"val": {"loss": loss}, "grad": "NaN"})
    wandb_run(tmp_path / "wandb", "crashed", {"tokens": 3e7}, None)
    (tmp_path / "wandb" / "latest-run").symlink_to(tmp_path / "wandb" / "run-20261101_101010-my-run-2")
    table = read_table(tmp_path / "wandb")
    assert triples(table) == RUNS
    assert list(table["run_id"]) == ["my-run-0", "my-run-1", "my-run-2"] and set(table["rate"]) == {1e-3}
    assert any("1 run without a wandb-summary.json" in note for note in table.attrs["notes"])
    assert table.attrs["conventions"]["source"].startswith("W&B run folders")
    assert "column model/n_params of" in table.attrs["conventions"]["N"]
    pd.testing.assert_frame_equal(read_table(tmp_path)[["n", "d", "loss"]], table[["n", "d", "loss"]])


def test_numbers_that_yaml_and_json_give_as_text_are_numbers_to_a_filter_too(tmp_path):
    for index, rate in enumerate(("1e-05", "0.001")):
        wandb_run(tmp_path, f"r{index}", {"params": 1e6, "tokens": 2e7}, {"val_loss": 3.0, "grad_norm": "Infinity"})
        config = tmp_path / f"run-20261101_101010-r{index}" / "files" / "config.yaml"
        config.write_text(config.read_text() + f"lr:\n  value: {rate}\n")  # as the client's Go half writes floats
    assert list(read_table(tmp_path)["rate"]) == [1e-5, 1e-3]
    assert list(read_table(tmp_path, where="lr < 1e-4 AND grad_norm > 1e300")["rate"]) == [1e-5]


def test_of_a_resumed_wandb_run_the_last_part_counts(tmp_path):
    for day, loss in ((1, 5.0), (2, 4.0)):
        wandb_run(tmp_path, "a", {"params": 1e6, "tokens": 2e7}, {"val_loss": loss}, day)
    table = read_table(tmp_path)
    assert triples(table) == [(1e6, 2e7, 4.0)]
    assert any("1 earlier part of resumed runs" in note for note in table.attrs["notes"])


def test_wandb_runs_logged_offline_are_refused_with_the_way_out(tmp_path):
    home = tmp_path / "offline-run-20261101_101010-abc"
    (home / "files").mkdir(parents=True)
    (home / "run-abc.wandb").write_bytes(b":W&B")
    (home / "files" / "requirements.txt").touch()
    with pytest.raises(BadInput, match=r"none with a wandb-summary\.json: offline runs .* `wandb sync`"):
        read_table(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("wandb-summary.json", "{", "wandb-summary.json is not JSON"),
        ("wandb-summary.json", "[1]", "wandb-summary.json holds no object"),
        ("config.yaml", "a: [1", "config.yaml is not YAML"),
        ("config.yaml", "!!python/object/apply:os.getcwd []", "config.yaml is not YAML"),
        ("config.yaml", "- 1", "config.yaml holds no mapping"),
    ],
)
def test_a_broken_file_of_a_run_is_named(tmp_path, name, text, message):
    wandb_run(tmp_path, "a", {"params": 1e6, "tokens": 2e7}, {"val_loss": 3.0})
    next(tmp_path.rglob(name)).write_text(text)
    with pytest.raises(BadInput, match=message):
        read_table(tmp_path)


def test_the_runs_table_of_wandb_is_read_without_the_unfinished_runs(tmp_path):
    path = tmp_path / "wandb_export.csv"
    path.write_text(
        '"Name","State","Notes","User","Tags","Created","Runtime","Sweep","n_params","tokens","lr","_step","eval/loss"\n'
        '"calm-sea-1","finished","-","ann","","2026-11-01T10:10:10.000Z","62","","1000000","20000000","0.001","99","4.1"\n'
        '"wild-sky-2","crashed","-","ann","","2026-11-01T10:10:10.000Z","11","","2000000","40000000","0.001","12","9.9"\n'
        '"old-oak-3","running","-","ann","","2026-11-01T10:10:10.000Z","11","","2000000","40000000","0.001","12",""\n'
        '"blue-bay-4","finished","-","ann","","2026-11-01T10:10:10.000Z","80","","2000000","40000000","0.001","99","3.7"\n'
    )
    table = read_table(path)
    assert triples(table) == RUNS[:2]
    assert table.attrs["notes"][0] == "2 runs that did not finish left out (State: 1 crashed, 1 running)."
    assert list(table["row"]) == [1, 4] and list(table["run_id"]) == ["calm-sea-1", "blue-bay-4"]
    with pytest.raises(BadInput, match="no finished run: State says 1 crashed"):
        read_table(path, where="State = 'crashed'")


def test_the_table_of_wandbs_documentation_with_a_run_in_two_cells_is_spread(tmp_path):
    path = tmp_path / "project.csv"
    summaries = [{"_step": 9, "loss": loss, "gap": float("nan"), "_wandb": {"runtime": 3}} for *_, loss in RUNS]
    configs = [{"model": {"num_params": n}, "tokens": d} for n, d, _ in RUNS]
    pd.DataFrame({"summary": summaries, "config": configs, "name": ["a", "b", "c"]}).to_csv(path)
    assert triples(read_table(path)) == RUNS


def test_the_export_of_a_chart_is_refused_with_what_to_export(tmp_path):
    path = tmp_path / "chart.csv"
    path.write_text('"Step","a - eval/loss","a - eval/loss__MIN","a - eval/loss__MAX"\n1,4,4,4\n')
    with pytest.raises(BadInput, match=r"export of a chart of W&B, .* export the table of runs"):
        read_table(path)


def test_mlflow_runs_give_parameters_and_the_metric_at_the_last_step(tmp_path):
    home = tmp_path / "mlruns" / "142384"
    for n, d, loss in RUNS:
        points = [(1795515956000, 9.0, 0), (1795515956002, loss, 20), (1795515956001, 8.0, 10)]
        mlflow_run(home, {"model/n_params": int(n), "tokens": d, "arch": "moe"}, {"val/loss": points})
    mlflow_run(home, {"model/n_params": 7, "tokens": 7}, {"val/loss": [(1, 1.0, 1)]}, status=4)
    mlflow_run(home, {"model/n_params": 7, "tokens": 7}, {"val/loss": [(1, 1.0, 1)]}, status=1)
    mlflow_run(home, {"model/n_params": 7, "tokens": 7}, {"val/loss": [(1, 1.0, 1)]}, lifecycle_stage="deleted")
    (home / "meta.yaml").write_text("experiment_id: '142384'\nlifecycle_stage: active\nname: scaling\n")
    model = home / "models" / "m-1"
    (model / "metrics").mkdir(parents=True)
    (model / "meta.yaml").write_text("model_id: m-1\nsource_run_id: abc\nstatus: 1\n")
    table = read_table(tmp_path / "mlruns")
    assert triples(table) == RUNS
    notes = table.attrs["notes"]
    assert notes[0] == "1 run deleted in MLflow left out."
    assert notes[1] == "2 runs that did not finish left out (status: 1 failed, 1 running)."
    assert table.attrs["conventions"]["source"].startswith("MLflow file store")
    assert triples(read_table(home / f"{0:032x}")) == RUNS[:1]


def test_a_metric_that_is_no_line_of_time_value_and_step_is_refused(tmp_path):
    mlflow_run(tmp_path, {"params": 1e6, "tokens": 2e7}, {"loss": [(1, 3.0, 1)]})
    metric = next(tmp_path.rglob("metrics/loss"))
    metric.write_text("1795515956000 3.0 1\n1795515956000 low 2\n")
    with pytest.raises(BadInput, match="line 2: '1795515956000 low 2' is not 'timestamp value step'"):
        read_table(tmp_path)


def test_the_csv_of_mlflows_search_runs_is_mapped(tmp_path):
    path = tmp_path / "runs.csv"
    frame = pd.DataFrame(
        {
            "run_id": ["a", "b", "c", "d"],
            "experiment_id": "142384",
            "status": ["FINISHED", "FINISHED", "FINISHED", "KILLED"],
            "artifact_uri": "file:///x",
            "metrics.val/loss": [*(loss for *_, loss in RUNS), 9.0],
            "params.num_params": [*(n for n, *_ in RUNS), 1.0],
            "params.tokens": [*(d for _, d, _ in RUNS), 1.0],
            "tags.mlflow.user": "root",
        }
    )
    frame.to_csv(path, index=False)
    table = read_table(path)
    assert triples(table) == RUNS and list(table["run_id"]) == ["a", "b", "c"]
    assert "column params.num_params of" in table.attrs["conventions"]["N"]


def event_run(
    folder: Path, scalars: dict[str, list[float]], hparams: dict[str, Any] | None = None, tensors: bool = False
):
    """One run by TensorBoard's own writer: scalars as PyTorch writes them, or as TensorFlow 2 does."""
    pytest.importorskip("tensorboard")
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams.summary_v2 import hparams_pb
    from tensorboard.plugins.scalar.metadata import create_summary_metadata
    from tensorboard.summary.writer.event_file_writer import EventFileWriter
    from tensorboard.util.tensor_util import make_tensor_proto

    writer = EventFileWriter(str(folder))
    if hparams is not None:
        writer.add_event(Event(summary=hparams_pb(hparams)))
    for tag, values in scalars.items():
        for step, value in enumerate(values):
            one = Summary.Value(tag=tag, simple_value=value)
            if tensors:
                scalar = make_tensor_proto(np.float32(value))
                one = Summary.Value(tag=tag, tensor=scalar, metadata=create_summary_metadata(tag, ""))
            writer.add_event(Event(step=step, wall_time=1e9 + step, summary=Summary(value=[one])))
    writer.close()


@pytest.mark.parametrize("tensors", [False, True])
def test_event_files_give_the_last_scalars_and_the_hyperparameters(tmp_path, tensors):
    for index, (n, d, loss) in enumerate(RUNS):
        event_run(
            tmp_path / f"run{index}",
            {"val_loss": [9.0, 5.0, loss]},
            {"num_params": n, "tokens": d, "opt": "adam"},
            tensors,
        )
    table = read_table(tmp_path)
    assert [row[:2] for row in triples(table)] == [row[:2] for row in RUNS]
    assert table.sort_values("n")["loss"].to_numpy() == pytest.approx([4.1, 3.7, 3.4], rel=1e-6)  # kept as float32
    assert sorted(table["run_id"]) == ["run0", "run1", "run2"]
    assert table.attrs["conventions"]["source"].startswith("TensorBoard event files")


def test_folders_below_a_run_belong_to_it_and_splits_keep_their_names(tmp_path):
    event_run(tmp_path / "a", {"val_loss": [4.0]})
    event_run(tmp_path / "a" / "1700000000.1", {"hp_metric": [1.0]}, {"params": 1e6, "tokens": 2e7})
    assert triples(read_table(tmp_path)) == [(1e6, 2e7, 4.0)]
    event_run(tmp_path / "b" / "train", {"epoch_loss": [9.0, 3.0]})
    event_run(tmp_path / "b" / "validation", {"epoch_loss": [9.0, 3.5], "tokens": [2e7]})
    (tmp_path / "b" / "hparams.yaml").write_text("model:\n  n_params: 1000000\n")
    columns = {"loss": "validation/epoch_loss", "d": "validation/tokens"}
    assert triples(read_table(tmp_path / "b", columns)) == [(1e6, 2e7, 3.5)]
    with pytest.raises(BadInput, match="train/epoch_loss and validation/epoch_loss, each of which could be the loss"):
        read_table(tmp_path / "b", {"d": "validation/tokens"})


def test_runs_below_a_folder_with_events_of_its_own_stay_apart(tmp_path):
    """A search announces its hyperparameters at the top; a stray run there is one among the others."""
    pytest.importorskip("tensorboard")
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.plugins.hparams.summary_v2 import HParam, hparams_config_pb
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(tmp_path))
    writer.add_event(Event(summary=hparams_config_pb([HParam("params"), HParam("tokens")], [])))
    writer.close()
    for index, (n, d, loss) in enumerate(RUNS[:2]):
        event_run(tmp_path / f"run{index}", {"loss": [9.0, loss]}, {"params": n, "tokens": d})
    table = read_table(tmp_path)
    assert list(table["n"]) == [1e6, 2e6] and len(table.attrs["notes"]) == 1
    event_run(tmp_path, {"loss": [5.0]}, {"params": 4e6, "tokens": 8e7})
    assert sorted(read_table(tmp_path)["n"]) == [1e6, 2e6, 4e6]


def test_a_resumed_run_goes_on_in_a_second_file_and_an_end_cut_off_is_left_out(tmp_path):
    event_run(tmp_path / "a", {"val_loss": [5.0], "tokens": [1e7]}, {"params": 1e6})
    event_run(tmp_path / "a", {"val_loss": [9.0, 4.0, 3.0], "tokens": [1e6, 1e7, 2e7]})
    assert triples(read_table(tmp_path)) == [(1e6, 2e7, 3.0)]
    event_run(tmp_path / "b", {"val_loss": [5.0, 4.0], "params": [1e6], "tokens": [2e7, 2e7]})
    (file,) = (tmp_path / "b").iterdir()
    file.write_bytes(file.read_bytes()[:-9])
    assert triples(read_table(tmp_path / "b")) == [(1e6, 2e7, 4.0)]


def test_event_files_without_a_scalar_are_refused(tmp_path):
    event_run(tmp_path / "a", {})
    with pytest.raises(BadInput, match="1 run of TensorBoard without any scalar"):
        read_table(tmp_path)


def test_without_tensorboard_the_package_is_named(tmp_path, monkeypatch):
    event_run(tmp_path / "a", {"loss": [1.0]})
    for name in [name for name in sys.modules if name.startswith("tensorboard")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(BadInput, match="the package tensorboard, which is not installed; pip install tensorboard"):
        read_table(tmp_path)


def test_a_folder_of_nothing_is_refused_and_two_trackers_are_told_apart(tmp_path):
    with pytest.raises(BadInput, match=r"is not a store .* and holds no runs of W&B"):
        read_table(tmp_path)
    wandb_run(tmp_path / "wandb", "a", {"params": 1e6}, {"loss": 3.0})
    mlflow_run(tmp_path / "mlruns", {"params": 1e6}, {"loss": [(1, 3.0, 1)]})
    with pytest.raises(BadInput, match="runs of both W&B and MLflow"):
        read_table(tmp_path)
