"""The little markup a text may carry: `code` between backticks, N_opt and C^a as in the papers. All else is escaped."""

import re

from markupsafe import Markup, escape

CODE = re.compile(r"`([^`]+)`")
SUBSCRIPT = re.compile(r"\b([NDCLk])_(opt|[NDCc])\b")
SUPERSCRIPT = re.compile(r"\b([NDC])\^([ab])\b")


def html(text: str) -> Markup:
    """Escaped HTML with <code> for backticks and real subscripts and superscripts for symbols."""
    parts = CODE.split(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if i % 2 else _symbols(part) for i, part in enumerate(parts)
    )


def _symbols(text: str) -> Markup:
    escaped = SUBSCRIPT.sub(r"\1<sub>\2</sub>", str(escape(text)))
    return Markup(SUPERSCRIPT.sub(r"\1<sup>\2</sup>", escaped))


def markdown(text: str) -> str:
    """Markdown in which no character of the text is taken for markup, except code between backticks."""
    parts = CODE.split(text)
    return "".join(f"`{part}`" if i % 2 else _quiet(part) for i, part in enumerate(parts))


def cell(text: str) -> str:
    """The same within a table's cell, which is one line and ends at a bar."""
    return markdown(" ".join(text.split())).replace("|", "\\|")


def slug(text: str) -> str:
    """A title as an anchor: 'What was run' → what-was-run."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "section"


def _quiet(text: str) -> str:
    """Angle brackets as entities; stars and square brackets with a backslash."""
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([*\[\]\\])", r"\\\1", safe)
