"""Files are compared with what was written into them."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.corpus.sources import SOURCES, check
from workbench.errors import BadInput

SOURCE = SOURCES["files"]


def texts(path: Path, **settings: Any) -> list[str]:
    complete = check("files", SOURCE, {"path": str(path), **settings})
    return [document.text for document in SOURCE.documents(complete)]


def test_a_text_file_is_one_document(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n\ntwo\n", "utf-8")
    assert texts(tmp_path / "a.txt") == ["one\n\ntwo\n"]


def test_a_text_is_cut_at_a_separator_or_at_a_length(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one\n\ntwo\n\nthree", "utf-8")
    assert texts(path, separator="\n\n") == ["one", "two", "three"]
    path.write_text("".join(f"line {i:03d}\n" for i in range(100)), "utf-8")
    pieces = texts(path, document_bytes=200)
    assert "".join(pieces) == path.read_text()
    assert all(piece.endswith("\n") and len(piece) <= 400 for piece in pieces)
    assert len(pieces) == 4


def test_jsonl_is_one_document_a_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"text": "a\nb"}) + "\n\n" + json.dumps({"text": "c", "n": 1}) + "\n", "utf-8")
    assert texts(path) == ["a\nb", "c"]
    path.write_text(json.dumps({"body": "d"}), "utf-8")
    assert texts(path, text_key="body") == ["d"]


def test_parquet_is_one_document_a_row(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["a", None, "c"], "n": [1, 2, 3]}), path)
    assert texts(path) == ["a", "c"]


def test_a_folder_is_read_below_and_in_the_order_of_paths_but_not_what_is_hidden(tmp_path: Path) -> None:
    for name in ("b.txt", "a/z.txt", "a/y.jsonl", ".hidden/x.txt", "notes.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps({"text": name}) if name.endswith("jsonl") else name)
    assert texts(tmp_path) == ["a/y.jsonl", "a/z.txt", "b.txt"]


def test_size_and_time_identify_it(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one")
    before = SOURCE.identity({"path": str(path)})
    path.write_text("another")
    assert SOURCE.identity({"path": str(path)}) != before


def test_what_cannot_be_read_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"path = '.*/none\.txt': there is no such file or folder"):
        texts(tmp_path / "none.txt")
    with pytest.raises(BadInput, match=r"the folder has no file that ends with \.txt, \.jsonl, \.parquet"):
        texts(tmp_path)
    for name, content, sentence in [
        ("a.txt", b"", r"a\.txt is empty: put text into it"),
        ("b.txt", b"ab\xff", r"b\.txt is not UTF-8 text: byte 2 is 0xff"),
        ("c.jsonl", b'{"text": "a"}\n{"text": \n', r"c\.jsonl, line 2 is not JSON: "),
        (
            "d.jsonl",
            b'{"txt": "a"}\n',
            r"d\.jsonl, line 1 has no text under the key 'text' \(corpus\.settings\.text_key\)",
        ),
        ("e.jsonl", b"[1]\n", r"e\.jsonl, line 1 has no text under the key 'text'"),
        ("f.parquet", b"PAR1 this is not one PAR1", r"f\.parquet is not a parquet table that can be read"),
        ("g.csv", b"a,b\n", r"g\.csv': it ends with \.txt, \.jsonl, \.parquet, or is a folder"),
    ]:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadInput, match=sentence):
            texts(tmp_path / name)


def test_a_column_that_is_missing_or_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"n": [1]}), path)
    with pytest.raises(BadInput, match=r"has no column 'text' \(corpus\.settings\.column\); its columns are: n"):
        texts(path)
    with pytest.raises(BadInput, match="the column 'n' holds int64, not text"):
        texts(path, column="n")


def test_a_length_below_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one")
    with pytest.raises(BadInput, match=r"document_bytes = 0: a number of at least 1"):
        texts(tmp_path / "a.txt", document_bytes=0)
