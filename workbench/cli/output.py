"""What every command does with its result: JSON alone on stdout, or text for a person; the rest goes to stderr."""

import json
import math
import shutil
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON alone on stdout.")


def emit(as_json: bool, payload: Mapping[str, Any] | list[Any], text: Callable[[], None]) -> None:
    """Print `payload` as one JSON document, or call `text` to print for a person."""
    if as_json:
        click.echo(json.dumps(plain(payload), indent=2, allow_nan=False))
    else:
        text()


def say(message: str) -> None:
    """A line of progress, on stderr."""
    click.echo(message, err=True)


def note(text: str) -> None:
    """A line of stdout for a person, wrapped to the width of a terminal."""
    click.echo(wrapped(text))


def wrapped(text: str) -> str:
    """The text in lines that fit the terminal, if stdout is one; else as it is."""
    if not sys.stdout.isatty():
        return text
    wide = max(shutil.get_terminal_size().columns - 1, 20)
    return textwrap.fill(text, wide, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def counted(many: int, what: str) -> str:
    """A number of things, in words: 1 run, 2,000 runs."""
    return f"{many:,} {what}{'' if many == 1 else 's'}"


def size(many: float) -> str:
    """A number of bytes, in words."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if many < 1000 or unit == "GB":
            return f"{many:,.0f} {unit}" if unit == "bytes" else f"{many:,.1f} {unit}"
        many /= 1000
    raise AssertionError


PATIENCE = 2.0
"""Seconds of work after which a line says what is being done."""

EVERY = 5.0
"""Seconds from one such line to the next."""


@contextmanager
def working(doing: str) -> Iterator[Callable[[str], None]]:
    """Say on stderr what is being done: on a terminal all the time, elsewhere in a line every few seconds.

    What is called with a word says what of it.
    """
    if sys.stderr.isatty():
        from rich.console import Console

        with Console(stderr=True).status(f"{doing} …") as status:
            yield lambda what: status.update(f"{doing} {what} …")
        return
    current, done, began = [""], threading.Event(), time.monotonic()

    def speak() -> None:
        wait, so_far = PATIENCE, ""
        while not done.wait(wait):
            say(f"{' '.join([doing, *filter(None, current)])} …{so_far}")
            wait, so_far = EVERY, f" {time.monotonic() - began + EVERY:.0f} s"

    threading.Thread(target=speak, daemon=True).start()
    try:
        yield lambda what: current.__setitem__(0, what)
    finally:
        done.set()


def plain(value: Any) -> Any:
    """`value` as JSON types: NumPy scalars and arrays unwrapped, paths as text, NaN and infinities as null."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int | bool):
        return value
    return str(value)
