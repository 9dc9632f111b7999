"""The app on a real server, and a real browser to look at it."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = next(
    (path for path in ("/usr/bin/chromium", shutil.which("chromium")) if path and Path(path).exists()), None
)
PATIENCE = 90_000
"""Milliseconds to wait for a figure on a machine that is busy."""

PROBE = re.compile(r"/\w+/_stcore/(health|host-config)$")
"""Where Streamlit's own page looks for its server first when a link names a page (/laws): it takes the name for a base
path, gets 404 twice, and then asks at the root. No option of the server changes that."""

READY = """
document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'
&& document.querySelector('.js-plotly-plot .main-svg') !== null
"""
"""Whether a page of the app has been drawn to its end, with a figure at least."""


def tab(browser: Any, server: str, scheme: str = "light") -> tuple[Any, list[str]]:
    """A new tab in the light or the dark; and what goes wrong in it or leaves the machine, as it happens."""
    page = browser.new_context(color_scheme=scheme, viewport={"width": 1400, "height": 1600}).new_page()
    page.set_default_timeout(PATIENCE)
    troubles: list[str] = []
    here = (server, server.replace("http", "ws"), "data:", "blob:")

    def note(bad: object, text: str, url: str = "") -> None:
        if bad and not PROBE.search(url):
            troubles.append(f"{text} {url}")

    page.on("console", lambda message: note(message.type == "error", message.text, message.location["url"]))
    page.on("pageerror", lambda error: note(True, str(error)))
    page.on("request", lambda request: note(not request.url.startswith(here), "left the machine:", request.url))
    page.on("response", lambda response: note(response.status >= 400, f"{response.status}", response.url))
    return page, troubles


@contextmanager
def served(store: Path) -> Iterator[str]:
    """The address of `workbench app` on a store, as long as it is needed."""
    command = [sys.executable, "-c", "from workbench.cli.main import main; main()"]
    process = subprocess.Popen(
        [*command, "app", str(store), "--json", "--no-browser"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert process.stdout is not None
        said = json.loads(process.stdout.read())
        assert said["store"] == str(store.resolve())
        wait_until_healthy(said["url"], process)
        yield said["url"]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
        if process.stdout is not None:
            process.stdout.close()


def wait_until_healthy(url: str, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(240):
        assert process.poll() is None, "the server ended"
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.25)
    raise AssertionError("the server did not come up within a minute")
