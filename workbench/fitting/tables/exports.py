"""Folders that trackers write, one row a run: W&B's run folders, MLflow's `mlruns`, TensorBoard's event files.

Each is read in its public format. W&B (`files/config.yaml`, values under `{key: {value: …}}`, and
`files/wandb-summary.json`) and MLflow (`meta.yaml`, `params/<key>`, `metrics/<key>` with lines "timestamp value step")
are plain files; TensorBoard's are read by its own package.
"""

import json
import math
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.errors import BadInput
from workbench.fitting.tables.checks import runs_said
from workbench.fitting.tables.reading import flat

WANDB_NAME = re.compile(r"^(offline-)?run-\d{8}_\d{6}-(?=.)")
"""What stands before the id in the name of a run's folder."""

WORDED = re.compile(r"NaN|-?Infinity|[-+]?\d+[eE][-+]?\d+")
"""Numbers that arrive as text: W&B's for those JSON has not, and 1e-05, which YAML 1.1 does not read as a number."""

MLFLOW_RUN = re.compile(r"^run_(id|uuid):", re.MULTILINE)
"""What tells the `meta.yaml` of a run from an experiment's or a logged model's."""
MLFLOW_STATUS = {1: "running", 2: "scheduled", 3: "finished", 4: "failed", 5: "killed"}
"""RunStatus of MLflow's service.proto, as `meta.yaml` holds it."""


@dataclass(frozen=True)
class Export:
    """The runs of a folder, and what is said of them."""

    frame: pd.DataFrame
    said: str
    """What the export is and which value of each metric it gives."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Found:
    """Where a folder's runs are, by the tracker that wrote them."""

    wandb: tuple[Path, ...]
    """The `files` folder of each run."""
    mlflow: tuple[Path, ...]
    events: tuple[Path, ...]
    """The event files of TensorBoard."""


def read_folder(folder: Path) -> Export:
    """One row a run, parameters and last metrics as columns."""
    found = _search(folder)
    if found.wandb and found.mlflow:
        raise BadInput(f"{folder} holds runs of both W&B and MLflow; give the folder of one of them.")
    if found.wandb:
        return _wandb(folder, found.wandb)
    if found.mlflow:
        return _mlflow(folder, found.mlflow)
    if found.events:
        from workbench.fitting.tables.events import read_events

        frame, notes = read_events(folder, found.events)
        said = "TensorBoard event files; of each scalar the value at the last step; how a run ended is not in them"
        return Export(frame, said, notes)
    raise BadInput(
        f"{folder} is not a store (it has no store.json) and holds no runs of W&B (files/wandb-summary.json), "
        "MLflow (meta.yaml) or TensorBoard (events.out.tfevents.*)."
    )


def _search(folder: Path) -> _Found:
    """Walk a folder once, without following links: W&B's `latest-run` is one."""
    wandb: set[Path] = set()
    mlflow: list[Path] = []
    events: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != ".trash"]  # MLflow's deleted experiments
        home = Path(place)
        for name in names:
            if name in ("wandb-summary.json", "wandb-metadata.json"):
                wandb.add(home)
            elif name.endswith(".wandb"):
                wandb.add(home / "files")
            elif name == "meta.yaml" and MLFLOW_RUN.search(_text(home / name)):
                mlflow.append(home)
            elif "tfevents" in name.split(".") and not name.endswith(".profile-empty"):
                events.append(home / name)
    return _Found(tuple(sorted(wandb)), tuple(sorted(mlflow)), tuple(sorted(events)))


def _wandb(folder: Path, runs: tuple[Path, ...]) -> Export:
    """W&B: the configuration of each run, and its summary over it."""
    rows: dict[str, dict[str, Any]] = {}
    without = 0
    again = 0
    for home in runs:
        summary = home / "wandb-summary.json"
        if not summary.is_file():
            without += 1
            continue
        config = read_yaml(home / "config.yaml") if (home / "config.yaml").is_file() else {}
        values = {
            key: entry["value"] if isinstance(entry, dict) and "value" in entry else entry
            for key, entry in config.items()
            if key not in ("wandb_version", "_wandb")
        }
        name = home.parent.name if home.name == "files" else home.name
        run_id = WANDB_NAME.sub("", name)
        again += run_id in rows
        metrics = {key: value for key, value in flat(_json(summary)).items() if not key.startswith("_wandb")}
        # The configuration may hold keys that a metric has too: the metric is what the run came to.
        rows[run_id] = {"run_id": run_id, **flat(values), **metrics}
    notes = []
    if without:
        notes.append(f"{runs_said(without)} without a wandb-summary.json (unfinished, or logged offline) left out.")
    if again:
        notes.append(f"{again} earlier part{'s' if again > 1 else ''} of resumed runs left out.")
    if not rows:
        raise BadInput(
            f"{folder} holds {runs_said(without)} of W&B, none with a wandb-summary.json: offline runs are in their "
            ".wandb logs alone; send them with `wandb sync` and export the runs table as CSV."
        )
    return Export(
        _frame(rows),
        "W&B run folders; of each metric the summary's value (by default the last); how a run ended is not in them",
        tuple(notes),
    )


def _mlflow(folder: Path, runs: tuple[Path, ...]) -> Export:
    """MLflow's file store: parameters as they are, of each metric the value at the last step."""
    rows: dict[str, dict[str, Any]] = {}
    deleted = 0
    for home in runs:
        meta = read_yaml(home / "meta.yaml")
        if meta.get("lifecycle_stage", "active") != "active":
            deleted += 1
            continue
        row: dict[str, Any] = {}
        for file in _files(home / "params"):
            row[file.relative_to(home / "params").as_posix()] = _number(_text(file).strip())
        for file in _files(home / "metrics"):
            row[file.relative_to(home / "metrics").as_posix()] = _last_metric(file)
        status = meta.get("status")
        row["status"] = MLFLOW_STATUS.get(status, status) if isinstance(status, int) else status
        row["run_id"] = str(meta.get("run_id") or meta.get("run_uuid") or home.name)
        rows[str(home)] = row
    if not rows:
        raise BadInput(f"{folder} holds {runs_said(deleted)} of MLflow, all deleted; give a folder with active runs.")
    notes = (f"{runs_said(deleted)} deleted in MLflow left out.",) if deleted else ()
    return Export(_frame(rows), "MLflow file store; of each metric the value at the last step", notes)


def _last_metric(file: Path) -> float:
    """The value at the last step, then at the last time: what MLflow itself shows."""
    best: tuple[float, float, float] | None = None
    for number, line in enumerate(_text(file).splitlines(), start=1):
        if not line.strip():
            continue
        parts = line.split()
        try:
            stamp, value = float(parts[0]), float(parts[1])
            step = float(parts[2]) if len(parts) > 2 else 0.0  # files of before MLflow 1.0 have no step
        except (ValueError, IndexError) as error:
            raise BadInput(f"{file}, line {number}: '{line}' is not 'timestamp value step'.") from error
        best = max(best or (-math.inf, -math.inf, 0.0), (step, stamp, value), key=lambda point: point[:2])
    return math.nan if best is None else best[2]


def _frame(rows: dict[str, dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows.values()))
    for column in frame:
        worded = frame[column].map(lambda cell: isinstance(cell, str) and WORDED.fullmatch(cell) is not None)
        if worded.any():
            frame[column] = frame[column].where(~worded, frame[column].map(_number))
    return frame.infer_objects()


def _number(text: Any) -> Any:
    """A parameter as a number where it is one: MLflow keeps every parameter as text."""
    if not isinstance(text, str):
        return text
    try:
        return float(text) if "_" not in text else text
    except ValueError:
        return text


def _files(folder: Path) -> list[Path]:
    """The files of a folder; a key with slashes lies in folders of its own."""
    return sorted(file for file in folder.rglob("*") if file.is_file() and not file.name.startswith("."))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError) as error:
        raise BadInput(f"{file} cannot be read as text; a tracker writes UTF-8.") from error


def _json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(_text(file))
    except json.JSONDecodeError as error:
        raise BadInput(f"{file} is not JSON; W&B writes an object of metrics there.") from error
    if not isinstance(found, dict):
        raise BadInput(f"{file} holds no object; W&B writes an object of metrics there.")
    return found


def read_yaml(file: Path) -> dict[str, Any]:
    """A mapping in YAML; tags that would make objects are refused."""
    import yaml

    try:
        found = yaml.safe_load(_text(file))
    except yaml.YAMLError as error:
        raise BadInput(f"{file} is not YAML; the tracker writes a mapping there.") from error
    if found is not None and not isinstance(found, dict):
        raise BadInput(f"{file} holds no mapping; the tracker writes a mapping there.")
    return found or {}
