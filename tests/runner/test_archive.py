"""A sweep goes to another machine as one file: everything in it arrives, and nothing else is let in."""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.runner.definitions import write_sweep
from workbench.errors import BadInput
from workbench.runner.archive import export_sweep, import_sweep
from workbench.runner.local import LocalBackend
from workbench.runner.plan import read_plan
from workbench.runner.sweep import run_sweep
from workbench.store import Store


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Store, Path]:
    """A definition, the store it was trained into, and its archive with weights and corpus."""
    folder = tmp_path_factory.mktemp("archive")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        path = write_sweep(folder)
        plan, corpus = read_plan(path, lambda _: None)
        store = Store.create(folder / "store")
        run_sweep(plan, corpus, store, LocalBackend.on_this_machine(2, device="cpu"))
        export_sweep(store, "tiny", path, corpus, folder / "tiny.tar.gz", weights=True)
    return path, store, folder / "tiny.tar.gz"


def changed(archive: Path, into: Path, change: Callable[[str, bytes], tuple[str, bytes] | None]) -> Path:
    """The same archive with each member changed, or left out."""
    with tarfile.open(archive) as old, tarfile.open(into, "w:gz") as new:
        for member in old:
            source = old.extractfile(member)
            assert source is not None
            kept = change(member.name, source.read())
            if kept is not None:
                info = tarfile.TarInfo(kept[0])
                info.size = len(kept[1])
                new.addfile(info, io.BytesIO(kept[1]))
    return into


def test_what_arrives_is_what_was_sent(trained: tuple[Path, Store, Path], tmp_path: Path) -> None:
    path, store, archive = trained
    there = Store.create(tmp_path / "there")
    found = import_sweep(archive, there.folder)
    assert (len(found.new), found.known, found.other) == (4, (), ())
    pd.testing.assert_frame_equal(there.runs(), store.runs())
    pd.testing.assert_frame_equal(there.curves(), store.curves())
    assert there.manifest("tiny") == store.manifest("tiny")
    assert (found.folder / "definition.toml").read_text() == path.read_text()
    for run_id in found.new:
        (weights,) = there.checkpoints(run_id).glob("*/model.safetensors")
        (sent,) = store.checkpoints(run_id).glob("*/model.safetensors")
        assert weights.read_bytes() == sent.read_bytes()
    assert len(import_sweep(archive, there.folder).known) == 4


def test_it_can_be_trained_again_where_its_texts_are_not(trained: tuple[Path, Store, Path], tmp_path: Path) -> None:
    path, store, archive = trained
    found = import_sweep(archive, tmp_path / "there")
    texts, away = path.parent / "texts", path.parent / "away"
    texts.rename(away)
    try:
        plan, corpus = read_plan(found.folder / "definition.toml", lambda _: None, found.folder / "corpus")
        again = Store.create(tmp_path / "again")
        run_sweep(plan, corpus, again, LocalBackend.on_this_machine(2, device="cpu"))
    finally:
        away.rename(texts)
    assert again.runs()["loss"].tolist() == store.runs()["loss"].tolist()


def test_runs_that_ended_otherwise_here_are_kept_and_named(trained: tuple[Path, Store, Path], tmp_path: Path) -> None:
    _, store, archive = trained
    there = Store.create(tmp_path / "there")
    row = {str(name): value for name, value in store.runs().iloc[0].items()} | {"loss": 1.25}
    there.write_run(row, store.curves(row["run_id"]))
    found = import_sweep(archive, there.folder)
    assert found.other == (row["run_id"],) and len(found.new) == 3
    assert there.run(row["run_id"])["loss"] == 1.25


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda name, data: ("../" + name, data), "is none that an archive of a sweep has"),
        (lambda name, data: ("/etc/" + name, data), "is none that an archive of a sweep has"),
        (lambda name, data: (name, data[:-1] + b"x") if "runs/" in name else (name, data), "the SHA-256 of store/runs"),
        (lambda name, data: None if "curves/" in name else (name, data), "is missing or not listed"),
        (lambda name, data: None if name == "archive.json" else (name, data), "it has no archive.json"),
        (
            lambda name, data: (name, json.dumps({**json.loads(data), "format_version": 9}).encode())
            if name == "archive.json" else (name, data),
            "format 9 is newer",
        ),
    ],
    ids=["upwards", "elsewhere", "changed", "cut", "no description", "newer"],
)  # fmt: skip
def test_an_archive_that_is_not_what_it_says_is_refused_whole(
    trained: tuple[Path, Store, Path], tmp_path: Path, change: Callable[[str, bytes], tuple[str, bytes] | None],
    message: str,
) -> None:  # fmt: skip
    archive = changed(trained[2], tmp_path / "bad.tar.gz", change)
    with pytest.raises(BadInput, match=message):
        import_sweep(archive, tmp_path / "new")
    assert {path.name for path in tmp_path.iterdir()} == {"bad.tar.gz"}
    there = Store.create(tmp_path / "there")
    with pytest.raises(BadInput, match=message):
        import_sweep(archive, there.folder)
    assert there.runs().empty and not (there.folder / "imports").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"there", "bad.tar.gz"}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_and_pipes_are_refused(tmp_path: Path, kind: bytes) -> None:
    with tarfile.open(tmp_path / "bad.tar.gz", "w:gz") as archive:
        info = tarfile.TarInfo("definition.toml")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    with pytest.raises(BadInput, match="refused whole"):
        import_sweep(tmp_path / "bad.tar.gz", tmp_path / "there")


def test_a_file_that_is_no_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(b"nothing of the kind")
    with pytest.raises(BadInput, match=r"a\.tar\.gz: not a whole archive"):
        import_sweep(tmp_path / "a.tar.gz", tmp_path / "there")
    with pytest.raises(BadInput, match="no such file"):
        import_sweep(tmp_path / "b.tar.gz", tmp_path / "there")


def test_what_the_store_has_lost_is_said_and_the_rest_is_packed(
    trained: tuple[Path, Store, Path], tmp_path: Path
) -> None:
    path, store, archive = trained
    there = Store(import_sweep(archive, tmp_path / "there").folder.parents[1])
    first, second, *_ = there.runs()["run_id"]
    (there.folder / "curves" / f"{first}.parquet").unlink()
    there.checkpoints(second).rename(there.folder / "aside")
    packed = export_sweep(there, "tiny", path, None, tmp_path / "no" / "such" / "folder" / "it.tgz", weights=True)
    assert (len(packed.runs), packed.without_curve, packed.without_weights) == (4, (first,), (second,))
    assert [sentence.split(",")[0] for sentence in packed.missing] == [
        f"{first} is packed without its curve", f"{second} is packed without its final weights",
    ]  # fmt: skip
    again = export_sweep(store, "tiny", path, None, tmp_path / "whole.tar.gz", weights=True)
    assert again.missing == []


def test_a_name_that_says_another_kind_of_archive_is_refused(trained: tuple[Path, Store, Path], tmp_path: Path) -> None:
    path, store, _ = trained
    with pytest.raises(BadInput, match=r"it\.zip: an archive is a gzipped tar; give a name that ends in \.tar\.gz or"):
        export_sweep(store, "tiny", path, None, tmp_path / "it.zip", weights=False)
