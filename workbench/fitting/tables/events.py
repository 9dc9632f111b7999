"""TensorBoard's event files, one row a run: the last value of each scalar, and the hyperparameters where written.

A file is records of length, masked CRC-32C and a protobuf `Event`; the `tensorboard` package reads it. A run is a
folder with event files; a folder below belongs to it where it adds to it (`add_hparams` of PyTorch writes one), and so
does one named after a split, whose scalars keep the split's name before theirs (`validation/epoch_loss`).
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from workbench.errors import BadInput
from workbench.fitting.tables.checks import runs_said

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event

SPLITS = ("train", "validation", "val", "valid", "eval", "test")
SESSION = {0: None, 1: "finished", 2: "failed", 3: "running"}
"""Status of hparams.proto, where a session's end was written."""


@dataclass
class _Run:
    """What the event files of one run say."""

    parameters: dict[str, Any] = field(default_factory=dict)
    scalars: dict[str, tuple[int, float, float]] = field(default_factory=dict)
    """Tag → step, time and value of its last point."""
    status: str | None = None
    heading: bool = False
    """Whether it only announces an experiment's hyperparameters, as the top folder of a search does."""

    @property
    def blank(self) -> bool:
        """Whether it has neither scalars nor hyperparameters."""
        return not (self.scalars or self.parameters)

    def has_part(self, below: "_Run") -> bool:
        """Whether a folder below adds to this run rather than being another one."""
        both_named = bool(self.parameters and below.parameters)
        return not (self.blank or both_named or self.scalars.keys() & below.scalars.keys())

    def take(self, part: "_Run", prefix: str = "") -> None:
        """Add what another folder says; of a scalar in both, the later step counts."""
        self.parameters |= part.parameters
        self.status = part.status or self.status
        for tag, point in part.scalars.items():
            self.add(prefix + tag, point)

    def add(self, tag: str, point: tuple[int, float, float]) -> None:
        """Add a point of a scalar."""
        self.scalars[tag] = max(self.scalars.get(tag, point), point, key=lambda one: one[:2])


def read_events(folder: Path, files: tuple[Path, ...]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The runs below a folder, and notes on what was left out."""
    parts: dict[Path, _Run] = {}
    for file in files:
        _read(file, parts.setdefault(file.parent, _Run()))
    runs = _joined(parts, folder)
    rows = []
    empty = 0
    for home, run in runs.items():
        if not run.scalars:
            empty += 1
            continue
        name = home.relative_to(folder).as_posix()
        row = {"run_id": folder.name if name == "." else name, **run.parameters, **_lightning(home)}
        row |= {tag: value for tag, (_, _, value) in run.scalars.items()}
        rows.append(row if run.status is None else {**row, "status": run.status})
    if not rows:
        raise BadInput(f"{folder} holds {runs_said(empty)} of TensorBoard without any scalar; log the loss as one.")
    return pd.DataFrame(rows), ((f"{runs_said(empty)} without any scalar left out.",) if empty else ())


def _joined(parts: dict[Path, _Run], folder: Path) -> dict[Path, _Run]:
    """The runs that folders of event files make up, from the outermost in."""
    runs: dict[Path, _Run] = {}
    for place in sorted(parts, key=lambda place: (len(place.parts), place)):
        part = parts[place]
        if place != folder and place.name.lower() in SPLITS:
            runs.setdefault(place.parent, _Run()).take(part, f"{place.name}/")
            continue
        above = next((home for home in place.parents if home in runs), None)
        if above is not None and runs[above].has_part(part):
            runs[above].take(part)
        elif not (part.blank and part.heading):
            runs.setdefault(place, _Run()).take(part)
    return runs


def _read(file: Path, run: _Run) -> None:
    """Add one file's scalars and hyperparameters to a run."""
    try:
        from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
        from tensorboard.util import tensor_util
    except ImportError as error:
        raise BadInput(
            f"{file} is read by the package tensorboard, which is not installed; pip install tensorboard."
        ) from error
    plugins: dict[str, str] = {}
    for event in _events(EventFileLoader, file):
        for value in event.summary.value:
            data = value.metadata.plugin_data
            # Only the first point of a tag says what it is.
            plugin = plugins.setdefault(value.tag, data.plugin_name)
            if plugin == "hparams":
                _session(data.content, run)
            elif plugin == "scalars" and value.HasField("tensor"):
                run.add(value.tag, (event.step, event.wall_time, float(tensor_util.make_ndarray(value.tensor).item())))


def _events(loader: Any, file: Path) -> "list[Event]":
    try:
        return list(loader(str(file)).Load())
    except Exception as error:  # damaged records surface as errors of three libraries
        raise BadInput(f"{file} is not a whole event file of TensorBoard.") from error


def _session(content: bytes, run: _Run) -> None:
    """Hyperparameters at a session's start, how it ended at its end."""
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    said = HParamsPluginData.FromString(content)
    kind = said.WhichOneof("data")
    if kind == "experiment":
        run.heading = True
    elif kind == "session_start_info":
        for name, value in said.session_start_info.hparams.items():
            which = value.WhichOneof("kind")
            run.parameters[name] = getattr(value, which) if which else None
    elif kind == "session_end_info":
        run.status = SESSION.get(said.session_end_info.status, run.status)


def _lightning(home: Path) -> dict[str, Any]:
    """The `hparams.yaml` that PyTorch Lightning writes beside its event files."""
    from workbench.fitting.tables.exports import read_yaml
    from workbench.fitting.tables.reading import flat

    file = home / "hparams.yaml"
    return flat(read_yaml(file)) if file.is_file() else {}
