"""Tasks: exact match and per-token probability side by side, so that a reader sees which leaps survive."""

import streamlit as st

from workbench.analyses import sweeps, task_axes
from workbench.app import data, show


def page() -> None:
    """The axis, then every task measured."""
    show.title(
        "Emergence",
        "What trained models can do, against their size: which abilities appear suddenly, and which only seem to.",
    )
    if data.selected().runs.empty:
        show.block(sweeps.NO_RUNS)
        return
    x = st.segmented_control(
        "Against",
        list(task_axes.AXES),
        format_func=lambda key: task_axes.AXES[key],
        default="n",
        required=True,
        key="task_x",
        bind="query-params",
    )
    if data.selected().evals.empty:
        show.block(task_axes.NO_TASKS)
    else:
        show.view("tasks", task_axes.TasksAsk(x=str(x)))


if __name__ == "__main__":
    page()
