"""The keys of a config.json, each read once and checked: what is wrong is said with the file, the key and the value."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from workbench.errors import BadInput
from workbench.validation import shown


class Keys:
    """A config.json with the values that `transformers` has for keys left out or null."""

    def __init__(
        self, path: Path, document: Mapping[str, Any], defaults: Mapping[str, Any], model_type: str, inside: str = ""
    ) -> None:
        self.path, self.document, self.defaults = path, document, defaults
        self.model_type, self.inside = model_type, inside

    def nested(self, key: str, defaults: Mapping[str, Any]) -> "Keys":
        """The keys of an object within."""
        found = self.value(key)
        if not isinstance(found, dict):
            self.refuse(key, "it should be an object")
        return Keys(self.path, found, defaults, self.model_type, f"{self.inside}{key}.")

    def value(self, key: str) -> Any:
        """What stands there, or the default; without one the key must be there."""
        found = self.document.get(key)
        if found is None and key not in self.defaults:
            raise BadInput(f"{self.path}: the key {self.inside}{key} is missing")
        return self.defaults[key] if found is None else found

    def integer(self, key: str) -> int:
        """A whole number."""
        found = self.value(key)
        if type(found) is not int:
            self.refuse(key, "it should be a whole number")
        return int(found)

    def optional(self, key: str) -> int | None:
        """A whole number, or None where the default is None."""
        return None if self.value(key) is None else self.integer(key)

    def number(self, key: str) -> float:
        """Any number."""
        found = self.value(key)
        if type(found) not in (int, float):
            self.refuse(key, "it should be a number")
        return float(found)

    def flag(self, key: str) -> bool:
        """True or false."""
        found = self.value(key)
        if type(found) is not bool:
            self.refuse(key, "it should be true or false")
        return bool(found)

    def one_of(self, key: str, words: Mapping[str, str]) -> str:
        """What a word stands for here."""
        found = self.value(key)
        if not isinstance(found, str) or found not in words:
            self.refuse(key, f"of {self.model_type} only {' or '.join(words)} can be loaded")
        return words[found]

    def must_be(self, key: str, right: object) -> None:
        """Only one value is supported."""
        if self.value(key) != right:
            self.refuse(key, f"of {self.model_type} only {json.dumps(right)} can be loaded")

    def refuse(self, key: str, right: str) -> NoReturn:
        """Bad input: the file, the key, the value, and what would be right."""
        raise BadInput(f"{self.path}: {self.inside}{key} = {shown(self.value(key))}: {right}")


def read_object(path: Path, needed_for: str) -> dict[str, Any]:
    """The JSON object in a file."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file; {needed_for}") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise BadInput(f"{path}: not valid JSON: {error}") from error
    if not isinstance(document, dict):
        raise BadInput(f"{path}: holds {shown(document)}; it should hold a JSON object")
    return document
