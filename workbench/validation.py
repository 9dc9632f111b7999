"""From a file a person wrote to a validated config, or to one sentence that says what is wrong with it."""

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from workbench.errors import BadInput

Config = TypeVar("Config", bound=BaseModel)


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file; a missing, empty or malformed file is `BadInput`."""
    try:
        text = path.read_text(encoding="utf-8")
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
    # A misspelt key is also a missing one; the misspelling is what helps.
    complaints = error.errors()
    first = next((each for each in complaints if each["type"] == "extra_forbidden"), complaints[0])
    key = ".".join(str(part) for part in first["loc"])
    value = first.get("input")
    if first["type"] == "extra_forbidden":
        known = ", ".join(fields_at(kind, first["loc"][:-1]))
        return f"unknown key {key} = {shown(value)}" + (f"; the keys here are {known}" if known else "")
    if first["type"] == "missing":
        return f"the key {key} is missing"
    message = str(first["msg"]).removeprefix("Value error, ")
    message = message.replace("Input should be", "it should be")
    if first["type"] in ("model_type", "dict_type"):
        message = "it should be a table"
    if not key or isinstance(value, BaseModel | dict):
        return f"{key}: {message}" if key else message
    return f"{key} = {shown(value)}: {message}"


def fields_at(kind: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The names of the fields of the nested config at `location`, or none where it is not a plain nested config."""
    for part in location:
        field = kind.model_fields.get(str(part))
        annotation = field.annotation if field else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        kind = annotation
    return list(kind.model_fields)


def shown(value: object) -> str:
    """A value, short enough for a sentence."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
