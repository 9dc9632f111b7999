"""Data sets are compared with the local files they are made of; nothing here reaches for the network."""

import json
from pathlib import Path
from typing import Any

import pytest

from workbench.corpus.sources import SOURCES, check, hub
from workbench.errors import BadInput

SOURCE = SOURCES["huggingface"]


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def texts(**settings: Any) -> list[str]:
    complete = check("huggingface", SOURCE, settings)
    SOURCE.identity(complete)
    return [document.text for document in SOURCE.documents(complete)]


@pytest.mark.parametrize("streaming", [True, False])
def test_a_text_file_is_one_document_with_its_newlines(tmp_path: Path, streaming: bool) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.txt").write_text(f"{name}\n\nmore\n")
    assert texts(path="text", data_files=str(tmp_path / "*.txt"), streaming=streaming) == [
        "a\n\nmore\n",
        "b\n\nmore\n",
    ]


def test_rows_limits_and_column_chooses(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"body": f"text {i}"}) + "\n" for i in range(9)))
    assert texts(path="json", data_files=[str(path)], column="body", rows=2) == ["text 0", "text 1"]
    with pytest.raises(BadInput, match=r"row 0, has no text in the column 'text' .* its columns are: body"):
        texts(path="json", data_files={"train": str(path)})


def test_a_missing_file_a_missing_data_set_and_a_missing_library_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadInput, match=r"corpus\.settings\.data_files: there is no file '.*none\.txt'"):
        texts(path="text", data_files=str(tmp_path / "none.txt"))
    with pytest.raises(BadInput, match=r"The data set 'nobody/nothing' could not be loaded \("):
        texts(path="nobody/nothing")
    monkeypatch.setattr(hub, "find_spec", lambda name: None)
    with pytest.raises(BadInput, match=r"needs the library datasets: pip install 'scaling-law-workbench\[hub\]'"):
        texts(path="text")
