"""A table of report.json → LaTeX with booktabs, ready for \\input."""

from pathlib import Path
from typing import Any

from workbench.reporting import templating

LONG = 40
"""A table of more rows may break across pages."""


def render_table(table: dict[str, Any], templates: Path | None = None) -> str:
    """One table with its caption and a label."""
    return templating.render("tex", templates, table=table, long=len(table["rows"]) > LONG)
