"""`docs/outputs.py`: pages whose commands stand alone, and pages that make what their commands need."""

import importlib.util
from pathlib import Path

import pytest

PATH = Path(__file__).parents[1] / "docs" / "outputs.py"


@pytest.fixture(scope="module")
def outputs():
    spec = importlib.util.spec_from_file_location("outputs", PATH)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_block_holds_what_its_command_prints_now(outputs):
    text = "Before.\n\n```\n$ workbench laws best-batch\nold\n```\n\nAfter.\n"
    fresh = outputs.renewed(text)
    assert fresh.startswith("Before.\n\n```\n$ workbench laws best-batch\nbest-batch: B(D) = c*D^b\n")
    assert fresh.endswith("\n```\n\nAfter.\n") and "old" not in fresh


def test_a_block_that_asks_a_store_of_ones_own_stays_and_is_named(outputs, capsys):
    text = "```\n$ workbench store check store\nold\n```\n"
    assert outputs.renewed(text) == text
    assert "left as it was (Bad input: " in capsys.readouterr().out


def test_a_page_that_makes_its_store_has_one_folder_and_shows_refusals(outputs):
    text = (
        "<!-- run\nmkdir given\necho n,d,loss > given/runs.csv\n-->\n\n"
        "```console\n$ workbench fit given/runs.csv\nold\n```\n"
    )
    fresh = outputs.renewed(text)
    assert fresh.startswith(text[: text.index("old")]) and "Bad input: given/runs.csv" in fresh
    with pytest.raises(SystemExit, match="cannot be made: false"):
        outputs.renewed("<!-- run\nfalse\n-->\n")
