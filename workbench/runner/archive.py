"""A sweep as one file: its definition, its runs, its corpus and what it was made with, to be read or trained elsewhere.

A gzipped tar, whose first member, archive.json, names every other with its SHA-256:

archive.json            what it is: sweep, versions, fingerprints, files
definition.toml         the definition as it was written
store/…                 a store with the sweep's manifest, its finished runs, their curves and measurements
checkpoints/<run>/…     final weights, where asked for
corpus/…                the prepared corpus, unless left out

Nothing is taken from an archive but plain files of these names, each checked before it is used. Free of torch.
"""

import json
import platform
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.corpus.shards import Corpus
from workbench.errors import BadInput
from workbench.files import checksum, full_disk_in_words, write_atomic, write_folder
from workbench.runner.provenance import code_version, package_versions
from workbench.store import Store
from workbench.store.store import AlreadyFinished, now

FORMAT_VERSION = 1
DESCRIPTION = "archive.json"
NAME = r"[A-Za-z0-9][A-Za-z0-9@._-]{0,150}"
MEMBER = re.compile(
    rf"archive\.json|definition\.toml|store/store\.json|store/(runs|curves|evals)/{NAME}\.parquet|store/sweeps/{NAME}\.json"
    rf"|checkpoints/{NAME}/\d+/(model\.safetensors|state\.json)"
    r"|corpus/(manifest\.json|tokenizer\.json|train\.bin|validation\.bin)"
)
"""Every name that a member may have."""

ENDINGS = (".tar.gz", ".tgz")
WEIGHTS = ("model.safetensors", "state.json")

MOST_BYTES = 1 << 40
"""Of a whole archive, unpacked."""


@dataclass(frozen=True)
class Packed:
    """What an archive was made of."""

    runs: tuple[str, ...]
    """Those in it."""
    without_curve: tuple[str, ...]
    """Runs that were trained to their end, and whose curve the store has lost."""
    without_weights: tuple[str, ...]
    """Where weights were asked for: such runs whose final weights the store has not."""

    @property
    def missing(self) -> list[str]:
        """What the store has lost, a sentence each."""
        lost = {"its curve": self.without_curve, "its final weights": self.without_weights}
        return [f"{run_id} is packed without {what}, which the store has not" for what in lost for run_id in lost[what]]


@dataclass(frozen=True)
class Imported:
    """What an archive brought."""

    sweep: str
    new: tuple[str, ...]
    """Runs that the store did not have."""
    known: tuple[str, ...]
    """Runs that it had, with the same loss."""
    other: tuple[str, ...]
    """Runs that it had with another loss, and kept: another machine or version trains to other bits."""
    folder: Path
    """Where definition and corpus lie."""


def check_new_archive(out: Path) -> None:
    """Refuse the name of an archive that is there already, or does not say that it is a gzipped tar."""
    if not out.name.endswith(ENDINGS):
        raise BadInput(f"{out}: an archive is a gzipped tar; give a name that ends in {' or '.join(ENDINGS)}")
    if out.exists():
        raise BadInput(f"{out}: is there already; give the name of a new file")


def export_sweep(store: Store, sweep: str, definition: Path, corpus: Corpus | None, out: Path, weights: bool) -> Packed:
    """Write the archive of a sweep. `corpus` is left out where it is None."""
    check_new_archive(out)
    manifest = store.manifest(sweep)
    runs = store.runs_by_id(dict.fromkeys(str(entry["run_id"]) for entry in manifest["runs"]))
    runs = runs[runs["status"] != "failed"]
    if runs.empty:
        raise BadInput(f"{store.folder}: no run of {sweep} is finished, so there is nothing to export")
    ids = [str(run_id) for run_id in runs["run_id"]]
    done = [str(run_id) for run_id in runs.loc[runs["status"] == "done", "run_id"]]
    unweighed: list[str] = []
    with full_disk_in_words(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=".") as temporary:
            folder = Path(temporary)
            shutil.copyfile(definition, folder / "definition.toml")
            curveless = _copy_runs(store, Store.create(folder / "store"), manifest, runs)
            for run_id in done if weights else ():
                if not _copy_weights(store.checkpoints(run_id), folder / "checkpoints" / run_id):
                    unweighed.append(run_id)
            if corpus is not None:
                shutil.copytree(corpus.folder, folder / "corpus")
            files = sorted(path for path in folder.rglob("*") if path.is_file() and _is_member(path, folder))
            checksums = {_name(path, folder): checksum(path) for path in files}
            description = _description(sweep, store, manifest, ids, checksums)
            (folder / DESCRIPTION).write_text(json.dumps(description, indent=1))
            write_atomic(out, lambda target: _pack(folder, [folder / DESCRIPTION, *files], target))
    return Packed(tuple(ids), tuple(run_id for run_id in curveless if run_id in done), tuple(unweighed))


def import_sweep(archive: Path, into: Path) -> Imported:
    """Take an archive's runs into a store, and its definition and corpus beside them.

    A store is made where there is none, once the archive is known to be whole.
    """
    beside = next(folder for folder in (into.absolute(), *into.absolute().parents) if folder.is_dir())
    with _unpacked(archive, beside) as (folder, description):
        theirs, sweep = Store(folder / "store"), str(description["sweep"])
        manifest, store = theirs.manifest(sweep), Store.create(into)
        kept = next((mine for mine in store.sweeps() if mine["name"] == sweep), manifest)
        if kept["definition"] != manifest["definition"]:
            raise BadInput(
                f"{archive}: {store.folder} has a sweep {sweep!r} by another definition; import it into a store of its "
                "own"
            )
        target = store.folder / "imports" / sweep
        write_folder(target, lambda temporary: _keep(folder, temporary))
        new, known, other = _take_runs(theirs, store)
        for run_id in new:
            if (folder / "checkpoints" / run_id).is_dir():
                shutil.copytree(folder / "checkpoints" / run_id, store.checkpoints(run_id), dirs_exist_ok=True)
        store.write_manifest(manifest)
    return Imported(sweep, tuple(new), tuple(known), tuple(other), target)


def _copy_runs(store: Store, into: Store, manifest: dict[str, Any], runs: pd.DataFrame) -> list[str]:
    """Copy the runs' rows, curves and measurements; those that have no curve."""
    evals = store.evals()
    curveless: list[str] = []
    for row in _rows(runs):
        curve = store.curves(row["run_id"])
        if curve.empty:
            curveless.append(str(row["run_id"]))
        into.write_run(row, curve)
        for step, measured in evals[evals["run_id"] == row["run_id"]].groupby("step"):
            into.write_evals(row["run_id"], int(str(step)), measured)
    into.write_manifest(manifest)
    return curveless


def _take_runs(theirs: Store, store: Store) -> tuple[list[str], list[str], list[str]]:
    """Commit what is new; the runs that are new, known, and known with another loss."""
    new: list[str] = []
    known: list[str] = []
    other: list[str] = []
    evals = theirs.evals()
    for row in _rows(theirs.runs()):
        try:
            store.write_run(row, theirs.curves(row["run_id"]))
        except AlreadyFinished:
            mine = store.runs_by_id([row["run_id"]])["loss"].iloc[0]
            same = mine == row["loss"] or (mine != mine and row["loss"] != row["loss"])
            (known if same else other).append(row["run_id"])
            continue
        new.append(row["run_id"])
        for step, measured in evals[evals["run_id"] == row["run_id"]].groupby("step"):
            store.write_evals(row["run_id"], int(str(step)), measured)
    return new, known, other


def _rows(runs: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for _, row in runs.iterrows():
        yield {str(name): value for name, value in row.items()}


def _copy_weights(checkpoints: Path, into: Path) -> bool:
    """Copy the final weights of a run; whether it has them still."""
    steps = [path for path in checkpoints.glob("*") if path.name.isdigit()]
    last = max(steps, key=lambda path: int(path.name), default=checkpoints)
    if not all((last / name).is_file() for name in WEIGHTS):
        return False
    (into / last.name).mkdir(parents=True)
    for name in WEIGHTS:
        shutil.copyfile(last / name, into / last.name / name)
    return True


def _description(
    sweep: str, store: Store, manifest: dict[str, Any], ids: list[str], checksums: dict[str, str | None]
) -> dict[str, Any]:
    return {
        "format": "scaling-law-workbench sweep",
        "format_version": FORMAT_VERSION,
        "sweep": sweep,
        "schema_version": store.version,
        "corpus_fingerprint": manifest["corpus_fingerprint"],
        "runs": ids,
        "made_at": now(),
        "made_with": {
            "workbench": code_version(),
            "python": platform.python_version(),
            "platform": platform.platform(),
            **package_versions(),
        },
        "files": checksums,
    }


def _pack(folder: Path, files: list[Path], target: Path) -> None:
    with tarfile.open(target, "w:gz") as archive:
        for path in files:
            archive.add(path, _name(path, folder), recursive=False)


@contextmanager
def _unpacked(archive: Path, beside: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The archive's files in a temporary folder, and its description."""
    with full_disk_in_words(beside), tempfile.TemporaryDirectory(dir=beside, prefix=".import") as temporary:
        folder = Path(temporary)
        try:
            with tarfile.open(archive, "r:gz") as opened:
                _extract(archive, opened, folder)
        except FileNotFoundError:
            raise BadInput(f"{archive}: no such file; give an archive that `workbench sweep export` wrote") from None
        except (tarfile.TarError, EOFError, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise BadInput(f"{archive}: not a whole archive of a sweep ({error})") from error
        yield folder, _read_description(archive, folder)


def _extract(archive: Path, opened: tarfile.TarFile, folder: Path) -> None:
    seen: set[str] = set()
    total = 0
    for member in opened:
        total += member.size
        if not member.isreg() or not MEMBER.fullmatch(member.name) or member.name in seen or total > MOST_BYTES:
            raise BadInput(
                f"{archive}: its member {member.name!r} is none that an archive of a sweep has; refused whole"
            )
        seen.add(member.name)
        target, source = folder / member.name, opened.extractfile(member)
        assert source is not None  # a regular file has contents
        target.parent.mkdir(parents=True, exist_ok=True)
        with source, target.open("wb") as file:
            shutil.copyfileobj(source, file)


def _read_description(archive: Path, folder: Path) -> dict[str, Any]:
    try:
        description: dict[str, Any] = json.loads((folder / DESCRIPTION).read_text())
        number, files = int(description["format_version"]), dict(description["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{archive}: no archive of a sweep, it has no {DESCRIPTION} that can be read") from error
    if number > FORMAT_VERSION:
        raise BadInput(f"{archive}: format {number} is newer than this workbench reads ({FORMAT_VERSION}); upgrade it")
    present = {_name(path, folder) for path in folder.rglob("*") if path.is_file()} - {DESCRIPTION}
    if present != set(files):
        raise BadInput(f"{archive}: {min(present ^ set(files))} is missing or not listed; it was cut short or changed")
    for name, expected in files.items():
        if checksum(folder / name) != expected:
            raise BadInput(f"{archive}: the SHA-256 of {name} is not {expected[:12]}…; it was changed or damaged")
    return description


def _keep(folder: Path, into: Path) -> None:
    """What a person needs to train the sweep again."""
    for name in (DESCRIPTION, "definition.toml"):
        shutil.copyfile(folder / name, into / name)
    if (folder / "corpus").is_dir():
        shutil.copytree(folder / "corpus", into / "corpus")


def _is_member(path: Path, folder: Path) -> bool:
    return MEMBER.fullmatch(_name(path, folder)) is not None


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()
