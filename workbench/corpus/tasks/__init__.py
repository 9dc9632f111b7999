"""Tasks, in one table: problems with one right answer, on which abilities appear suddenly as models grow."""

from collections.abc import Callable, Mapping
from typing import Any

from workbench.corpus.sources.base import Setting, Settings, Source, check
from workbench.corpus.tasks.addition import SETTINGS as ADDITION
from workbench.corpus.tasks.addition import Addition
from workbench.corpus.tasks.base import Item, Task
from workbench.corpus.tasks.recall import SETTINGS as RECALL
from workbench.corpus.tasks.recall import AssociativeRecall
from workbench.errors import BadInput

__all__ = ["TASKS", "Item", "Task", "source", "task"]

TASKS: dict[str, tuple[Callable[[Settings], Task], Mapping[str, Setting]]] = {
    "addition": (Addition, ADDITION),
    "associative-recall": (AssociativeRecall, RECALL),
}
"""Task names → what builds one from its settings, and the settings it knows."""


def task(name: str, settings: Mapping[str, Any]) -> Task:
    """The task of a name with its settings checked and completed."""
    if name not in TASKS:
        raise BadInput(f"The task {name!r} is unknown; one of {', '.join(TASKS)} is right.")
    return TASKS[name][0](check(name, source(name), settings))


def source(name: str) -> Source:
    """A task as a source of training documents."""
    build, known = TASKS[name]
    return Source(lambda settings: build(settings).documents(), settings=known, kind="task")
