"""report.json → one HTML file that needs nothing else: plotly.js once, and each figure as its specification."""

import html
import json
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from workbench.reporting import inline
from workbench.reporting.formats import show
from workbench.reporting.inline import slug

ROWS_SHOWN = 60
"""A figure's numbers stand under it when there are no more rows than this; otherwise they are in report.json alone."""


def render_html(document: dict[str, Any]) -> str:
    """The report as one self-contained page."""
    from plotly.offline import get_plotlyjs

    environment = Environment(
        loader=PackageLoader("workbench.reporting", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(inline=inline.html, show=show, slug=slug, script_json=script_json)
    environment.globals["rows_shown"] = ROWS_SHOWN
    # The library is trusted text of an installed package, but a closing tag inside it would end the script element.
    library = Markup(get_plotlyjs().replace("</script", "<\\/script"))
    return environment.get_template("report.html.j2").render(report=document, plotly_js=library)


def framed(document: dict[str, Any]) -> str:
    """The page inside a frame, so that a notebook shows it without mixing styles."""
    source = html.escape(render_html(document), quote=True)
    return f'<iframe srcdoc="{source}" style="width:100%;height:720px;border:0"></iframe>'


def script_json(value: Any) -> Markup:
    """JSON that cannot leave its script element, whatever names it carries."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))
