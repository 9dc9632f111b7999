"""Tasks: exact match and a metric of its tokens side by side, so that a reader sees which leaps survive."""

import streamlit as st

from workbench.analyses import sweeps, task_axes
from workbench.app import data, show
from workbench.app.choices import worded
from workbench.reporting.figures.checks import METRIC_NAMES


def page() -> None:
    """The axis, the metric and the task, then what was measured."""
    show.title(
        "Emergence",
        "What trained models can do, against their size: which abilities appear suddenly, and which only seem to.",
    )
    if data.selected().runs.empty:
        show.block(sweeps.NO_RUNS)
        return
    show.view("tasks", _ask(task_axes.titles(data.selected())))


def _ask(tasks: list[str]) -> task_axes.TasksAsk:
    """What the widgets ask for: none where no task was measured, and no choice among one."""
    if not tasks:
        return task_axes.TasksAsk()
    x = st.segmented_control(
        "Against",
        **worded("task_x", task_axes.AXES, lambda key: task_axes.AXES[key].title),
        default="n",
        required=True,
    )
    places = st.columns(2)
    beside = places[0].selectbox(
        "Beside exact match", **worded("task_beside", task_axes.BESIDE, lambda key: METRIC_NAMES[key][0])
    )
    task = ""
    if len(tasks) > 1:
        task = places[1].selectbox(
            "Task", ["", *tasks], format_func=lambda title: title or "all", key="task", bind="query-params"
        )
    return task_axes.TasksAsk(x=str(x), beside=str(beside), task=str(task))


if __name__ == "__main__":
    page()
