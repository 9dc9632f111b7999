"""The default source is compared with the installed files themselves."""

import ast
from itertools import islice

import pytest

from workbench.corpus.sources import SOURCES, check
from workbench.corpus.sources.python import identity, standard_library, torch_folder
from workbench.errors import BadInput

SOURCE = SOURCES["python"]


def test_documents_are_python_files_in_a_stable_order_without_tests() -> None:
    settings = check("python", SOURCE, {"part": "stdlib"})
    documents = list(SOURCE.documents(settings))
    names = [document.name for document in documents]
    assert names == sorted(names, key=lambda name: name.split("/"))
    assert {"stdlib/argparse.py", "stdlib/json/decoder.py"} <= set(names)
    assert not [name for name in names if "/test/" in name or "/tests/" in name or "site-packages" in name]
    by_name = {document.name: document.text for document in documents}
    assert by_name["stdlib/argparse.py"] == (standard_library() / "argparse.py").read_text("utf-8")
    ast.parse(by_name["stdlib/argparse.py"])


def test_torch_is_found_without_importing_it() -> None:
    assert (torch_folder() / "nn" / "functional.py").exists()
    torch = SOURCE.documents(check("python", SOURCE, {"part": "torch"}))
    assert all(document.name.startswith("torch/") for document in islice(torch, 5))


def test_versions_identify_it() -> None:
    assert set(identity({})) == {"python", "torch"}


def test_an_unknown_part_is_refused() -> None:
    with pytest.raises(
        BadInput, match=r"corpus\.settings\.part = 'numpy': one of 'both', 'stdlib' and 'torch' is right"
    ):
        list(SOURCE.documents({"part": "numpy"}))
