"""Photograph the app's pages: `python docs/screenshots.py [STORE]`; needs the extra `test` and a Chromium.

Every page of the reference store, or of STORE, in the light and in the dark, as small PNGs in `docs/app/`.
"""

import json
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

FOLDER = Path(__file__).parent / "app"
PAGES = {
    "overview": "", "live": "live", "runs": "runs", "curves": "curves", "laws": "laws", "what-if": "what_if",
    "emergence": "emergence", "models": "models", "next": "next", "compare": "compare",
}  # fmt: skip
"""Name of a picture → the page's address."""

WIDTH, TALLEST = 1280, 1600
COLORS = 128
PATIENCE = 180_000
"""Milliseconds: some pages fit many laws first."""


def main() -> None:
    """Write `docs/app/<page>.png` and `docs/app/<page>-dark.png`."""
    FOLDER.mkdir(exist_ok=True)
    with served(sys.argv[1] if sys.argv[1:] else None) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, path in PAGES.items():
            for scheme, suffix in (("light", ""), ("dark", "-dark")):
                picture(browser, f"{url}/{path}", scheme).save(FOLDER / f"{name}{suffix}.png", optimize=True)
                print(FOLDER / f"{name}{suffix}.png")


def picture(browser: Browser, url: str, scheme: str) -> Image.Image:
    """One page, drawn to its end."""
    page = browser.new_context(color_scheme=scheme, viewport={"width": WIDTH, "height": TALLEST}).new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(url)
    page.wait_for_selector("h1")
    # Streamlit says on its app element whether a script runs; parts that follow by themselves have their own turn.
    page.wait_for_function("document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'")
    page.wait_for_timeout(1500)
    bottom = page.evaluate("document.querySelector('[data-testid=stMainBlockContainer]').scrollHeight")
    shot = page.screenshot(clip={"x": 0, "y": 0, "width": WIDTH, "height": min(bottom, TALLEST)})
    page.context.close()
    return Image.open(BytesIO(shot)).convert("RGB").quantize(COLORS, dither=Image.Dither.NONE)


@contextmanager
def served(store: str | None) -> Iterator[str]:
    """The app, and its address."""
    command = [sys.executable, "-c", "from workbench.cli.main import main; main()", "app", *([store] if store else [])]
    process = subprocess.Popen([*command, "--json", "--no-browser"], stdout=subprocess.PIPE)
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
