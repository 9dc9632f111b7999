"""Tasks, in one table: problems with one right answer, on which abilities appear suddenly as models grow."""

from collections.abc import Callable, Mapping
from typing import Any

from workbench.corpus.sources.base import Setting, Settings, check
from workbench.corpus.tasks.addition import SETTINGS as ADDITION
from workbench.corpus.tasks.addition import Addition
from workbench.corpus.tasks.base import Item, Task
from workbench.corpus.tasks.recall import SETTINGS as RECALL
from workbench.corpus.tasks.recall import AssociativeRecall
from workbench.errors import BadInput

__all__ = ["TASKS", "Item", "Task", "task"]

TASKS: dict[str, tuple[Callable[[Settings], Task], Mapping[str, Setting]]] = {
    "addition": (Addition, ADDITION),
    "associative-recall": (AssociativeRecall, RECALL),
}
"""Task names → what builds one from its settings, and the settings it knows."""


def task(name: str, settings: Mapping[str, Any]) -> Task:
    """The task of a name with its settings checked and completed."""
    if name not in TASKS:
        raise BadInput(f"The task {name!r} is unknown; one of {', '.join(TASKS)} is right.")
    from workbench.corpus.sources import SOURCES  # which imports the tasks' settings

    return TASKS[name][0](check(name, SOURCES[name], settings))
