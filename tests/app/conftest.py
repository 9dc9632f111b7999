"""Stores to show: the simulated sweep, one beside another sweep, an empty one, a broken one."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.serving import CHROMIUM
from tests.factories import add_twin, make_narrow, make_store
from workbench import app
from workbench.app import data
from workbench.store import Store

MAIN = Path(str(app.__file__)).parent / "main.py"

Opener = Callable[..., AppTest]


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("app") / "simulated")


@pytest.fixture(scope="session")
def two_sweeps(simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The simulated store, in which a second sweep lists the six runs of the smallest budget."""
    folder = tmp_path_factory.mktemp("app") / "two"
    shutil.copytree(simulated, folder)
    store = Store(folder)
    chosen = store.runs("budget = 1e11")["run_id"].tolist()
    store.write_manifest({"name": "smallest", "runs": [{"run_id": run_id, "role": "grid"} for run_id in chosen]})
    return folder


@pytest.fixture(scope="session")
def twins(simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The simulated sweep beside one of another activation, which needs 0.8 times the compute."""
    folder = tmp_path_factory.mktemp("app") / "twins"
    shutil.copytree(simulated, folder)
    add_twin(folder)
    return folder


@pytest.fixture(scope="session")
def narrow(simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight runs of two budgets, which determine no law."""
    return make_narrow(simulated, tmp_path_factory.mktemp("app") / "narrow")


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    return Store.create(tmp_path / "empty").folder


@pytest.fixture
def corrupt(simulated: Path, tmp_path: Path) -> Path:
    """The simulated store with one run's row cut short."""
    folder = tmp_path / "corrupt"
    shutil.copytree(simulated, folder)
    (folder / "runs" / "r-00000003.parquet").write_bytes(b"PAR1 and then nothing")
    return folder


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Opener:
    """Open a page of the app on a store, as `streamlit run main.py -- STORE` does, and as a link of these choices."""

    def opened(store: Path, page: str, **link: str | list[str]) -> AppTest:
        monkeypatch.setattr(sys, "argv", [str(MAIN), str(store)])
        monkeypatch.setattr(data, "RESAMPLES", 50)
        app = AppTest.from_file(MAIN, default_timeout=120).switch_page(f"views/{page}.py")
        for key, value in link.items():
            app.query_params[key] = value
        return app.run()

    return opened


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium, where this machine has one."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: install Debian's chromium to run this test")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield chromium
        chromium.close()
