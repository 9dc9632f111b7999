"""The app on a real server, and a real browser to look at it."""

import json
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

CHROMIUM = next(
    (path for path in ("/usr/bin/chromium", shutil.which("chromium")) if path and Path(path).exists()), None
)
PATIENCE = 90_000
"""Milliseconds to wait for a figure on a machine that is busy."""


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
