"""Photograph the app's pages: `python docs/screenshots.py [PAGE …]`; needs the extra `test` and a Chromium.

Small PNGs in `docs/app/`, all in the light and a few in the dark. The pages show the reference store, but for two:
Live and Compare show `sweeps/optimizers.toml`, which is trained for them first, some minutes on two cores.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

FOLDER = Path(__file__).parent / "app"
DEFINITION = Path(__file__).parents[1] / "sweeps" / "optimizers.toml"
COMMAND = [sys.executable, "-c", "if __name__ == '__main__':\n from workbench.cli.main import main\n main()"]

REFERENCE = {
    "overview": "", "runs": "runs", "curves": "curves?span=20", "laws": "laws", "what-if": "what_if",
    "emergence": "emergence?sweep=emergence", "models": "models", "next": "next",
}  # fmt: skip
TRAINED = {"live": "live", "compare": "compare"}
"""Name of a picture → the page's address."""

DARK = ("overview", "laws", "live")
"""Pages photographed in the dark as well."""

WIDTH, TALLEST = 1280, 1600
EXACT, OTHERS = 48, 208
"""Colours of a picture: grounds and inks as they are, and what serves best for the rest, a scale's among them."""

PATIENCE = 180_000
"""Milliseconds: some pages fit many laws first."""

BEGUN = 8
"""Runs that have ended when the sweep in training is photographed."""

BOTTOM = """
tallest => {
  const parts = document.querySelectorAll('[data-testid=stMain] [data-testid=stElementContainer]');
  const ends = [...parts].map(part => part.getBoundingClientRect().bottom).filter(end => end < tallest - 16);
  return Math.ceil(Math.max(...ends)) + 16;
}
"""
"""The end of the last part of the page that fits whole."""

NAMELESS = """
() => { for (const part of document.querySelectorAll('[data-testid=stSidebar] code'))
  if (part.innerText.startsWith('/')) part.innerText = 'store'; }
"""
"""A folder of the machine that took the picture is called `store`."""


def main() -> None:
    """Write `docs/app/<page>.png`, and `docs/app/<page>-dark.png` of some."""
    names = sys.argv[1:] or [*REFERENCE, *TRAINED]
    if unknown := {*names} - {*REFERENCE, *TRAINED}:
        raise SystemExit(f"no such page: {', '.join(sorted(unknown))}; there are {', '.join([*REFERENCE, *TRAINED])}")
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        if chosen := {name: path for name, path in REFERENCE.items() if name in names}:
            with served() as url:
                for name, path in chosen.items():
                    photograph(browser, name, f"{url}/{path}")
        if {*TRAINED} & {*names}:
            with tempfile.TemporaryDirectory() as folder:
                of_training(browser, Path(folder), names)


def of_training(browser: Browser, folder: Path, names: list[str]) -> None:
    """Train the sweep; photograph it on the way and at its end."""
    sweep = subprocess.Popen([*COMMAND, "sweep", "run", str(DEFINITION), "--store", "store"], cwd=folder)
    try:
        wait_for_runs(sweep, folder / "store", BEGUN)
        with served("store", folder) as url:
            if "live" in names:
                photograph(browser, "live", f"{url}/{TRAINED['live']}")
            sweep.wait()
            if "compare" in names:
                photograph(browser, "compare", f"{url}/{TRAINED['compare']}")
    finally:
        sweep.terminate()
        sweep.wait()


def wait_for_runs(sweep: "subprocess.Popen[bytes]", store: Path, many: int) -> None:
    """Wait until so many runs of the sweep have ended."""
    while len([*(store / "runs").glob("*.parquet")]) < many:
        if sweep.poll() is not None:
            raise SystemExit("the sweep ended before it was photographed")
        time.sleep(1)


def photograph(browser: Browser, name: str, url: str) -> None:
    """One page, in the light, and in the dark where that is kept."""
    for scheme, suffix in (("light", ""), ("dark", "-dark"))[: 2 if name in DARK else 1]:
        path = FOLDER / f"{name}{suffix}.png"
        picture(browser, url, scheme).save(path, optimize=True)
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def picture(browser: Browser, url: str, scheme: str) -> Image.Image:
    """One page, drawn to its end."""
    page = browser.new_context(color_scheme=scheme, viewport={"width": WIDTH, "height": TALLEST}).new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(url)
    page.wait_for_selector(".js-plotly-plot .main-svg")
    # Streamlit says on its app element whether a script runs; parts that follow by themselves have their own turn.
    page.wait_for_function("document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'")
    page.wait_for_timeout(2500)
    page.evaluate(NAMELESS)
    height = int(page.evaluate(BOTTOM, TALLEST))
    shot = page.screenshot(clip={"x": 0, "y": 0, "width": WIDTH, "height": height})
    page.context.close()
    return few_colors(Image.open(BytesIO(shot)).convert("RGB"))


def few_colors(picture: Image.Image) -> Image.Image:
    """The picture with a palette: a third of the bytes."""
    colors, where, many = np.unique(np.asarray(picture).reshape(-1, 3), axis=0, return_inverse=True, return_counts=True)
    spread = picture.quantize(OTHERS, Image.Quantize.MAXCOVERAGE).getpalette() or []
    palette = np.vstack([colors[np.argsort(-many)[:EXACT]], np.array(spread, np.uint8).reshape(-1, 3)[:OTHERS]])
    away = ((colors[:, None].astype(int) - palette.astype(int)) ** 2).sum(axis=-1)
    found = Image.fromarray(away.argmin(axis=1).astype(np.uint8)[where.reshape(-1)].reshape(picture.size[::-1]), "P")
    found.putpalette(palette.tobytes())
    return found


@contextmanager
def served(store: str | None = None, folder: Path | None = None) -> Iterator[str]:
    """The app on the reference store, or on a store beside which it is started, and its address."""
    asked = [*COMMAND, "app", *([store] if store else []), "--json", "--no-browser"]
    process = subprocess.Popen(asked, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        url = str(json.loads(process.stdout.read())["url"])
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{url}/_stcore/health", timeout=5)
                break
            except OSError:
                time.sleep(0.25)
        yield url
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
