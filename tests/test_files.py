"""A file is whole or absent, whatever happens while it is written."""

import errno
import os
from pathlib import Path

import pytest

from workbench.errors import BadInput
from workbench.files import remove_stale, write_folder, write_json, write_text


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    write_json(target, {"old": 1})
    with pytest.raises(ValueError, match="Out of range float values"):
        write_json(target, {"new": float("nan")})
    assert target.read_text() == '{\n  "old": 1\n}\n'
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    def half(folder: Path) -> None:
        (folder / "first").touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(BadInput, match=r"the disk is full; free some space"):
        write_folder(tmp_path / "out", half)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_may_not_be_written_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "write_text", read_only)
    with pytest.raises(BadInput, match=r"cannot be written \(Read-only file system\); choose a folder"):
        write_text(tmp_path / "here.txt", "x")


def test_a_folder_that_is_there_is_never_touched(tmp_path: Path) -> None:
    for word in ("first", "second"):
        write_folder(tmp_path / "out", lambda folder, word=word: (folder / word).touch())  # type: ignore[misc]
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "first"]


def test_a_file_where_a_folder_should_be_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match=r"file/a\.json: cannot be written \(.*\); choose a folder"):
        write_json(tmp_path / "file" / "a.json", {})


def test_only_what_killed_processes_left_long_ago_is_removed(tmp_path: Path) -> None:
    for name in (".old.x.tmp", ".new.x.tmp", ".kept", "seen.tmp"):
        (tmp_path / name).touch()
    (tmp_path / ".oldfolder.x.tmp").mkdir()
    for name in (".old.x.tmp", ".oldfolder.x.tmp", ".kept", "seen.tmp"):
        os.utime(tmp_path / name, (0, 0))
    remove_stale(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".kept", ".new.x.tmp", "seen.tmp"]
