"""What a source is: a function from settings to documents, and a table of its settings that checks them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from workbench.corpus.documents import Document
from workbench.errors import BadInput

Settings = Mapping[str, Any]

REQUIRED: Any = object()
"""The default of a setting that has none."""


@dataclass(frozen=True)
class Setting:
    """One setting of a source: its type, its default and what it means."""

    type: type | tuple[type, ...]
    default: Any
    meaning: str


def _nothing(settings: Settings) -> Any:  # noqa: ARG001
    return None


@dataclass(frozen=True)
class Source:
    """A source: its documents, its settings, and what else identifies what it yields."""

    documents: Callable[[Settings], Iterator[Document]]
    """Settings, complete and checked → documents, in an order that is the same every time."""
    settings: Mapping[str, Setting] | None = field(default_factory=dict)
    """The settings it knows; None for a source that checks its own."""
    identity: Callable[[Settings], Any] = _nothing
    """What decides the documents beside the settings (versions, sizes and times of files): part of the cache key."""
    kind: Literal["text", "language", "task"] = "text"
    """Text is cleaned, de-duplicated and separated by end-of-text tokens; languages and tasks are left as they are."""


def check(name: str, source: Source, settings: Settings) -> dict[str, Any]:
    """The settings with their defaults filled in; an unknown key, a wrong type or a missing value is bad input."""
    if source.settings is None:
        return dict(settings)
    for key in settings:
        if key not in source.settings:
            known = ", ".join(source.settings) or "none"
            raise BadInput(f"corpus.settings.{key}: the source {name!r} has no such setting; it knows: {known}.")
    complete: dict[str, Any] = {}
    for key, setting in source.settings.items():
        value = settings.get(key, setting.default)
        if value is REQUIRED:
            raise BadInput(f"corpus.settings.{key} is missing: the source {name!r} needs {setting.meaning}.")
        if key in settings and not _is_a(value, setting):
            raise BadInput(f"corpus.settings.{key} = {value!r}: the source {name!r} needs {setting.meaning}.")
        complete[key] = value
    return complete


def _is_a(value: Any, setting: Setting) -> bool:
    """Whether the value has the setting's type; None stands for a default of None, and True is not a number."""
    if value is None:
        return setting.default is None
    types = setting.type if isinstance(setting.type, tuple) else (setting.type,)
    return isinstance(value, types) and (bool in types or not isinstance(value, bool))
