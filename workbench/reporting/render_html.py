"""report.json → one HTML file that needs nothing else: plotly.js once, and each figure as its specification."""

import html
from pathlib import Path
from typing import Any

from markupsafe import Markup

from workbench.reporting import dark, templating


def render_html(document: dict[str, Any], templates: Path | None = None) -> str:
    """The report as one self-contained page."""
    from plotly.offline import get_plotlyjs

    # The library is trusted text of an installed package, but a closing tag inside it would end the script element.
    library = Markup(get_plotlyjs().replace("</script", "<\\/script"))
    plots = [block["plot"] for section in document["sections"] for block in section["blocks"] if "plot" in block]
    return templating.render("html", templates, report=document, plotly_js=library, dark_colors=dark.colors(plots))


def framed(document: dict[str, Any]) -> str:
    """The page inside a frame, so that a notebook shows it without mixing styles."""
    source = html.escape(render_html(document), quote=True)
    return f'<iframe srcdoc="{source}" style="width:100%;height:720px;border:0"></iframe>'
