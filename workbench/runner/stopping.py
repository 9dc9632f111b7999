"""Stopping a sweep from another terminal: a file that every runner of the sweep looks for. Free of torch."""

from pathlib import Path

from workbench.files import full_disk_in_words
from workbench.store import Store
from workbench.store.store import checked


def ask_to_stop(store: Store, sweep: str) -> None:
    """Have every runner of the sweep save its runs and leave."""
    path = _request(store, sweep)
    with full_disk_in_words(path):
        path.parent.mkdir(exist_ok=True)
        path.touch()


def asked_to_stop(store: Store, sweep: str) -> bool:
    """Whether somebody has asked."""
    return _request(store, sweep).exists()


def forget_stop(store: Store, sweep: str) -> None:
    """The sweep is run again: what was asked of it before is over."""
    _request(store, sweep).unlink(missing_ok=True)


def _request(store: Store, sweep: str) -> Path:
    return store.folder / "live" / f"{checked(sweep, 'sweep')}.stop"
