"""Widgets whose choice stands in the address of the page, so that a copied link shows the same."""

from collections.abc import Sequence

from streamlit.delta_generator import DeltaGenerator

from workbench.reporting.figures.explore import quantity


def pick(place: DeltaGenerator, label: str, options: Sequence[str], key: str) -> str:
    """One of the quantities that a figure may show."""
    return str(place.selectbox(label, options, format_func=lambda o: quantity(o).title, key=key, bind="query-params"))
