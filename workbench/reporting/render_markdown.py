"""report.json → Markdown: the same words and tables, the figures as links to the pictures that stand beside it."""

from pathlib import Path
from typing import Any

from workbench.reporting import templating


def render_markdown(document: dict[str, Any], templates: Path | None = None) -> str:
    """The report as GitHub-flavoured Markdown."""
    return templating.render("md", templates, report=document)
