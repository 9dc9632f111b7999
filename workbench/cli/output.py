"""What every command does with its result: JSON alone on stdout, or text for a person; the rest goes to stderr."""

import json
import math
from collections.abc import Callable, Mapping
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
