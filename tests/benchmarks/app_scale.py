"""How fast the app is on a large store: 10,000 runs of 1,000 points, by a generator, in a headless Chromium.

    python -m tests.benchmarks.app_scale [--runs 10000] [--points 1000] [--store DIR]

A fresh server is started for each page, so that no page finds what another has read. Time to the first figure is from
asking for the page to a figure being drawn; an interaction is a choice on the page, from the click to the figure that
answers it. Memory is what the server holds after both (resident, its process alone).
"""

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.benchmarks.machine import facts
from tests.benchmarks.store_scale import generate
from workbench.store import Store
from workbench.store.compaction import compact

CHROMIUM = next((path for path in ("/usr/bin/chromium", shutil.which("chromium")) if path and Path(path).exists()), "")

PATIENCE = 120_000
"""Milliseconds to wait for anything."""

FIGURE = "document.querySelector('.js-plotly-plot .main-svg') !== null"

GOALS = "| goal | | < 2 | < 0.5 | < 1024 |"


@dataclass(frozen=True)
class Interaction:
    """A choice on a page, and how one sees that it was answered."""

    words: str
    act: Callable[[Any], None]
    answered: str
    """JavaScript that is true then."""


def choose(label: str, option: str) -> Callable[[Any], None]:
    """Take an option of a list."""

    def act(page: Any) -> None:
        page.get_by_label(label, exact=True).first.click()
        page.get_by_role("option", name=option, exact=True).first.click()

    return act


def toggle(label: str) -> Callable[[Any], None]:
    """Turn a switch."""
    return lambda page: page.get_by_text(label, exact=True).first.click()


def titled(axis: str, words: str) -> str:
    """A figure has an axis of this title."""
    return f"[...document.querySelectorAll('.{axis}title')].some(t => t.textContent.includes({words!r}))"


def said(words: str) -> str:
    """The page says so."""
    return f"document.body.innerText.includes({words!r})"


GRADIENT = "gradient norm before clipping"

PAGES: dict[str, tuple[Interaction, ...]] = {
    "runs": (
        Interaction("another horizontal axis", choose("Horizontal axis", "tokens D"), titled("x", "tokens D")),
        Interaction("another colour", choose("Colour", "role"), said("coloured by role")),
        Interaction("parallel coordinates", toggle("Parallel coordinates"), said("Parallel coordinates of")),
    ),
    "curves": (
        Interaction("a second key", choose("Group by", "role"), said("dashed by role")),
        Interaction("a band a group", choose("Runs are drawn as", "a band a group"), said("groups; lines are means")),
        Interaction("other bands", choose("A band reaches", "standard deviation"), said("one standard dev")),
        Interaction("a quantity not read yet", choose("Vertical axis", GRADIENT), titled("y", GRADIENT)),
    ),
}
"""Page → what is done there; of other pages only the first figure is timed."""

OTHERS = ("overview", "laws", "models")


def main() -> None:
    """Make the store, open each page, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--points", type=int, default=1_000)
    parser.add_argument("--store", type=Path, help="Where to make and leave it, or where one was left; else temporary.")
    parser.add_argument("--pages", nargs="+", default=[*PAGES, *OTHERS])
    asked = parser.parse_args()
    folder = asked.store or Path(tempfile.mkdtemp()) / "store"
    try:
        if not (folder / "store.json").exists():
            generate(folder, asked.runs, asked.points)
        compact(Store(folder))
        print(*facts(), f"load {psutil.getloadavg()[0]:.1f}", sep="\n")
        print(f"{len(Store(folder).runs()):,} runs")
        print(
            "| page | interaction | first figure, s | interaction, s | server, MiB |\n|---|---|---|---|---|", flush=True
        )
        for name in asked.pages:
            for line in measured(folder, name):
                print(line, flush=True)
        print(GOALS)
    finally:
        if not asked.store:
            shutil.rmtree(folder.parent)


def measured(folder: Path, name: str) -> Iterator[str]:
    """The lines of one page."""
    from playwright.sync_api import sync_playwright

    with server(folder) as (url, process), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.set_default_timeout(PATIENCE)
        seconds = _seconds(lambda: page.goto(f"{url}/{name}"), page, FIGURE)
        yield f"| {name} | | {seconds:.2f} | | {_memory(process):.0f} |"
        for interaction in PAGES.get(name, ()):
            settle(page)
            seconds = _seconds(lambda: interaction.act(page), page, interaction.answered)  # noqa: B023, called at once
            yield f"| | {interaction.words} | | {seconds:.2f} | {_memory(process):.0f} |"
        browser.close()


def settle(page: Any) -> None:
    """Wait until the page has been drawn to its end."""
    page.wait_for_timeout(500)
    page.wait_for_function("!document.querySelector('[data-testid=stStatusWidget]')")
    page.wait_for_timeout(500)


@contextmanager
def server(folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """`workbench app` on a store, up."""
    command = [sys.executable, "-c", "from workbench.cli.main import main; main()", "app", str(folder)]
    process = subprocess.Popen([*command, "--json", "--no-browser"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        url = json.loads(process.stdout.read())["url"]
        while True:
            try:
                with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5):
                    break
            except OSError:
                time.sleep(0.1)
        yield url, psutil.Process(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


def _seconds(act: Callable[[], Any], page: Any, answered: str) -> float:
    started = time.perf_counter()
    act()
    page.wait_for_function(answered)
    return time.perf_counter() - started


def _memory(process: psutil.Process) -> float:
    """MiB of the server, and of what it started."""
    processes = [process, *process.children(recursive=True)]
    return sum(one.memory_info().rss for one in processes) / 2**20


if __name__ == "__main__":
    main()
