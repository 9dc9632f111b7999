"""Templates in a sandbox: ours, or a user's of the same name. Data is escaped and never executed.

What a template prints is escaped for its format unless a filter has made markup of it, so that forgetting a filter
shows a stray sign and never lets a name from the data become a command.
"""

import json
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, FileSystemLoader, PackageLoader, StrictUndefined, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from workbench.errors import BadInput
from workbench.reporting import inline, latex
from workbench.reporting.formats import show

TEMPLATES = {
    "html": "report.html.j2",
    "md": "report.md.j2",
    "tex": "table.tex.j2",
    "typ": "report.typ",
}
"""What is rendered → its template. The last is Typst's own and reads the document as data."""

PIECES = ("blocks.html.j2", "report.css", "report.js")
"""What the page's template includes, and a user may give as well."""

ESCAPES: dict[str, Callable[[str], str]] = {"md": inline.markdown, "tex": latex.text}
"""Format → how text becomes harmless in it. HTML is escaped by the template engine itself."""

ROWS_SHOWN = 60
"""A figure's numbers stand under it when there are no more rows than this; otherwise they are in report.json alone."""

SIGNS: dict[str, Any] = {
    "block_start_string": "((*", "block_end_string": "*))", "variable_start_string": "(((",
    "variable_end_string": ")))", "comment_start_string": "((=", "comment_end_string": "=))",
}  # fmt: skip
"""In LaTeX braces and percent signs mean something else."""


def environment(kind: str, folder: Path | None = None) -> ImmutableSandboxedEnvironment:
    """The templates of one format; those in `folder` come before ours."""
    ours = PackageLoader("workbench.reporting", "templates")
    found = ImmutableSandboxedEnvironment(
        loader=ours if folder is None else ChoiceLoader([FileSystemLoader(folder), ours]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_finalizer(kind),
        **(SIGNS if kind == "tex" else {}),
    )
    found.filters.update(
        inline=inline.html, show=show, slug=inline.slug, script_json=script_json, cell=_cell, fenced=_fenced
    )
    found.globals["rows_shown"] = ROWS_SHOWN
    return found


def render(kind: str, folder: Path | None, **context: Any) -> str:
    """One template, filled; a user's that fails is a sentence with its file and line."""
    name = TEMPLATES[kind]
    try:
        return environment(kind, folder).get_template(name).render(**context)
    except Exception as error:
        if folder is None:
            raise
        file, line = _place(error, name)
        raise BadInput(f"--templates {folder}: {file}, line {line}: {error or type(error).__name__}") from error


def check_templates(folder: Path) -> None:
    """Refuse a folder that would change nothing."""
    names = (*TEMPLATES.values(), *PIECES)
    if not folder.is_dir():
        raise BadInput(f"--templates {folder}: there is no such folder")
    if not any((folder / name).is_file() for name in names):
        raise BadInput(f"--templates {folder}: it holds none of {', '.join(names)}")


def template_file(kind: str, folder: Path | None) -> Path:
    """A template as a file: the user's, or ours."""
    own = None if folder is None else folder / TEMPLATES[kind]
    return own if own is not None and own.is_file() else Path(__file__).parent / "templates" / TEMPLATES[kind]


def script_json(value: Any) -> Markup:
    """JSON that cannot leave its script element, whatever names it carries."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def _finalizer(kind: str) -> Callable[[Any], Any] | None:
    escape = ESCAPES.get(kind)
    if escape is None:
        return None
    return lambda value: value if isinstance(value, Markup) else Markup(escape(str(value)))


def _cell(value: str) -> Markup:
    """A cell of a Markdown table."""
    return Markup(inline.cell(value))


def _fenced(block: dict[str, Any]) -> Markup:
    """Code as Markdown shows it, its fence longer than any within."""
    fence = "```"
    while fence in block["code"]:
        fence += "`"
    return Markup(f"{fence}{block['language']}\n{block['code']}\n{fence}")


def _place(error: Exception, name: str) -> tuple[str, int | str]:
    """Where a template failed: the innermost of its lines."""
    if isinstance(error, TemplateSyntaxError):
        return error.name or name, error.lineno
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if Path(frame.filename).suffix in (".j2", ".css", ".js"):
            return Path(frame.filename).name, frame.lineno or 1
    return name, 1
