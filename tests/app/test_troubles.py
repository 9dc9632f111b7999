"""Stores that have nothing to show, or are broken: a sentence on every page, never a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.app.conftest import Opener
from tests.app.test_pages import PAGES, figures, text
from workbench.store import Store


@pytest.mark.parametrize("name", sorted({*PAGES} - {"models"}))
def test_an_empty_store_says_what_to_do(open_page: Opener, empty: Path, name: str):
    page = open_page(empty, name)
    assert not page.exception
    assert "workbench sweep run" in page.warning[0].value
    assert not figures(page)


def test_models_are_counted_beside_an_empty_store(open_page: Opener, empty: Path):
    page = open_page(empty, "models")
    assert not page.exception
    assert len(figures(page)) == 2


@pytest.mark.parametrize("name", PAGES)
def test_a_corrupt_file_is_named(open_page: Opener, corrupt: Path, name: str):
    page = open_page(corrupt, name)
    assert not page.exception
    assert "r-00000003.parquet" in page.error[0].value
    assert "not a readable parquet file" in page.error[0].value


def test_a_corrupt_curve_leaves_the_runs_to_be_seen(open_page: Opener, simulated: Path, tmp_path: Path):
    import shutil

    folder = tmp_path / "store"
    shutil.copytree(simulated, folder)
    (folder / "curves" / "r-00000001.parquet").write_bytes(b"")
    assert "curves/r-00000001.parquet" in open_page(folder, "curves").error[0].value
    page = open_page(folder, "runs")
    assert not page.error
    assert len(page.dataframe[0].value) == 40


def test_a_folder_that_is_no_store_is_a_sentence(open_page: Opener, tmp_path: Path):
    page = open_page(tmp_path, "overview")
    assert not page.exception
    assert "not a store" in page.error[0].value


def test_too_few_runs_to_fit_are_still_shown(open_page: Opener, simulated: Path, tmp_path: Path):
    source = Store(simulated)
    store = Store.create(tmp_path / "few")
    for run in source.runs().head(2).to_dict("records"):
        store.write_run({str(key): value for key, value in run.items()}, source.curves(str(run["run_id"])))
    page = open_page(store.folder, "laws")
    assert not page.exception
    assert any("Not fitted" in warning.value or "could be fitted" in warning.value for warning in page.warning)


def test_too_few_runs_leave_the_law_open_and_no_list_is_nothing_to_follow(
    open_page: Opener, simulated: Path, tmp_path: Path
):
    source = Store(simulated)
    store = Store.create(tmp_path / "few")
    for run in source.runs().head(2).to_dict("records"):
        store.write_run({str(key): value for key, value in run.items()}, source.curves(str(run["run_id"])))
    overview = open_page(store.folder, "overview")
    assert not overview.exception
    assert "not determined by these runs" in text(overview)
    assert figures(overview)
    live = open_page(store.folder, "live")
    assert not live.exception
    assert "no list of a sweep" in live.warning[0].value


@pytest.mark.parametrize("content", ["{", "[]", "{}"])
def test_a_broken_manifest_is_named(open_page: Opener, simulated: Path, tmp_path: Path, content: str):
    import shutil

    folder = tmp_path / "store"
    shutil.copytree(simulated, folder)
    (folder / "sweeps" / "simulated.json").write_text(content)
    page = open_page(folder, "live")
    assert not page.exception
    assert "simulated.json" in page.error[0].value and "run the sweep again" in page.error[0].value


def test_a_new_run_is_seen_without_a_restart(open_page: Opener, simulated: Path, tmp_path: Path):
    source = Store(simulated)
    store = Store.create(tmp_path / "growing")
    rows = source.runs().to_dict("records")
    for count, row in enumerate(rows[:3], start=1):
        store.write_run({str(key): value for key, value in row.items()}, source.curves(str(row["run_id"])))
        assert len(open_page(store.folder, "runs").dataframe[0].value) == count


def test_the_app_starts_without_torch():
    code = "import sys, workbench.app.data, workbench.app.show; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
