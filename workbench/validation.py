"""From a file a person wrote to a validated config, or to one sentence that says what is wrong with it."""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from workbench.errors import BadInput
from workbench.words import meant

Config = TypeVar("Config", bound=BaseModel)


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file; a missing, empty or malformed file is `BadInput`."""
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors begin a file with a mark of its encoding
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file; give the path of a TOML file") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: cannot be read as text (byte {error.start} is not UTF-8); give a TOML file") from error
    except OSError as error:
        raise BadInput(f"{path}: cannot be read as text ({error.strerror}); give a TOML file") from error
    if not text.strip():
        raise BadInput(f"{path}: the file is empty; it should hold a definition in TOML")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path}: not valid TOML: {error}") from error


def validated(kind: type[Config], data: object, origin: str | Path) -> Config:
    """`kind(**data)`, its first complaint worded with the origin, the key, the value and what would be right."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise BadInput(f"{origin}: {sentence(error, kind)}") from error


def sentence(error: ValidationError, kind: type[BaseModel]) -> str:
    """The first complaint of a validation, as one sentence."""
    first = _foremost(error.errors())
    tags = alternatives(kind)
    location = tuple(part for part in first["loc"] if part not in tags and not UNION.match(str(part)))
    key = dotted(location)
    value = first.get("input")
    if first["type"] == "extra_forbidden":
        known = fields_at(kind, first["loc"][:-1])
        said = meant(str(location[-1]), known)
        return f"unknown key {key} = {shown(value)}" + (
            f"; {said}{'The' if said else 'the'} keys here are {', '.join(known)}" if known else ""
        )
    if first["type"] == "missing":
        return f"the key {key} is missing"
    if first["type"] == "too_short":
        return f"{key} is empty; give at least one"
    message = _plainly(str(first["msg"]))
    if first["type"] in ("model_type", "dict_type"):
        message = "it should be a table"
    elif isinstance(value, list) and first["type"] in SINGLE:
        message = f"it should be one {SINGLE[first['type']]}, not a list"
        if len(location) > 2 and isinstance(location[-2], int):
            message += f"; write a [[{location[0]}]] for each"
    if not key or isinstance(value, BaseModel | dict):
        return f"{key}: {message}" if key else message
    return f"{key} = {shown(value)}: {message}"


SINGLE = {"float_type": "number", "int_type": "number", "string_type": "text"}
"""What pydantic objects to in a list where one value should stand → what should stand there."""

PLAIN = {
    "a valid tuple": "a list",
    "a valid list": "a list",
    "a valid number, unable to parse string as a number": "a number",
    "a valid number": "a number",
    "a valid integer, unable to parse string as an integer": "a whole number",
    "a valid integer, got a number with a fractional part": "a whole number",
    "a valid integer": "a whole number",
    "a valid string": "text, in quotes",
}
"""A validator's words for what should stand there → a person's."""

UNION = re.compile(r"(literal|tuple|list|dict|constrained|function)[-\[]|(float|int|str|bool)$")
"""Parts of a complaint's location that name an alternative, and no key that anybody wrote."""


def dotted(location: Sequence[int | str]) -> str:
    """Where something stands, as a person would write it: design.levels[0]."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).removeprefix(".")


def _foremost(complaints: Sequence[ErrorDetails]) -> ErrorDetails:
    """The complaint that helps most.

    A misspelt key is also a missing one, and the misspelling helps. Of a table where a table is one of several things
    that might stand there, what is wrong inside it helps.
    """
    misspelt = next((each for each in complaints if each["type"] == "extra_forbidden"), None)
    if misspelt is not None:
        return misspelt
    first = complaints[0]
    deeper = [each for each in complaints if each["loc"][: len(first["loc"]) - 1] == first["loc"][:-1]]
    return max(deeper, key=lambda each: len(each["loc"])) if isinstance(first.get("input"), dict) else first


def _plainly(message: str) -> str:
    """A validator's message without its terms of art."""
    message = message.removeprefix("Value error, ").replace("Input should be", "it should be")
    for term, word in PLAIN.items():
        message = message.replace(term, word)
    return message


def alternatives(kind: type[BaseModel]) -> set[str]:
    """The names of the configs that stand in unions of `kind` and of what it holds: pydantic puts them in locations."""
    found: set[str] = set()
    for field in kind.model_fields.values():
        inner = _models(field.annotation)
        found |= {one.__name__ for one in inner if one is not field.annotation}
        for one in inner:
            found |= alternatives(one)
    return found


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The configs that an annotation mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [one for part in get_args(annotation) for one in _models(part)]


def fields_at(kind: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The names of the fields of the nested config at `location`, or none where there is no such."""
    for part in location:
        if isinstance(part, int) or part == kind.__name__:
            continue  # an element of a list, or the alternative that `kind` already is
        field = kind.model_fields.get(str(part))
        inner = _models(field.annotation) if field else []
        if len(inner) != 1:
            return []
        kind = inner[0]
    return list(kind.model_fields)


def shown(value: object) -> str:
    """A value, short enough for a sentence."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
