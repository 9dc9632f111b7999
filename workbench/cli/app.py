"""`workbench app [STORE]`: the dashboard of a store, served on this machine alone."""

import os
import socket
import sys
from pathlib import Path

import click

from workbench.cli.output import emit, json_option
from workbench.cli.source import SourcePath
from workbench.errors import BadInput

HOST = "127.0.0.1"
FIRST_PORT = 8501
PORTS_TRIED = 100


@click.command()
@click.argument("store", type=SourcePath(path_type=Path), required=False)
@click.option("--port", type=click.IntRange(1, 65535), help=f"Port; by default the first free one from {FIRST_PORT}.")
@click.option("--no-browser", is_flag=True, help="Do not open a browser; without a display none is opened anyway.")
@json_option
def command(store: Path | None, port: int | None, no_browser: bool, as_json: bool) -> None:
    """Show STORE in a browser: its runs, curves, laws and tasks. Without STORE, the reference store of the package.

    The app only reads, and listens on 127.0.0.1 alone. Stop it with Ctrl-C. With --json its address is printed as
    JSON, and then it serves. Exit codes: 0 stopped, 1 failed, 2 bad input.
    """
    from workbench.store import Store, reference_store

    folder = Store(reference_store() if store is None else store).folder.resolve()
    chosen = _free_port(port)
    url = f"http://{HOST}:{chosen}"

    def text() -> None:
        click.echo(f"{folder} at {url} (stop with Ctrl-C)")

    emit(as_json, {"url": url, "store": str(folder)}, text)
    _serve(folder, chosen, headless=True if no_browser else None)


def _free_port(asked: int | None) -> int:
    """The port asked for, if it is free, or else the first free one."""
    for port in [asked] if asked is not None else range(FIRST_PORT, FIRST_PORT + PORTS_TRIED):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    if asked is not None:
        raise BadInput(f"--port {asked}: in use or not permitted on {HOST}; choose another, or leave the option out")
    raise BadInput(
        f"ports {FIRST_PORT} to {FIRST_PORT + PORTS_TRIED - 1} of {HOST} are all in use; name one with --port"
    )


def options(port: int, headless: bool | None = None) -> list[str]:
    """Streamlit's options: this machine alone, origins and hosts checked, nothing reported to anyone."""
    chosen = {
        "server.address": HOST,
        "server.port": port,
        "server.enableCORS": True,
        "server.enableXsrfProtection": True,
        "server.fileWatcherType": "none",
        "server.showEmailPrompt": False,
        "browser.serverAddress": HOST,
        "browser.gatherUsageStats": False,
        "client.toolbarMode": "viewer",
        "runner.magicEnabled": False,
        "theme.light.primaryColor": "#0072b2",
        "theme.dark.primaryColor": "#56b4e9",
    }
    if headless is not None:
        chosen["server.headless"] = headless
    words = [f"--{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in chosen.items()]
    return [*words, f"--server.allowedHosts={HOST}", "--server.allowedHosts=localhost"]


def _serve(folder: Path, port: int, headless: bool | None) -> None:
    """Become the server: its messages go to stderr, and signals and the exit code are its own."""
    from workbench import app

    script = Path(str(app.__file__)).parent / "main.py"
    sys.stdout.flush()
    os.dup2(sys.stderr.fileno(), 1)
    words = ["-m", "workbench.app.serve", "run", str(script), *options(port, headless), "--", str(folder)]
    os.execv(sys.executable, [sys.executable, *words])
