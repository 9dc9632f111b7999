"""report.json → Markdown: the same words and tables; figures are named, their numbers are in report.json."""

from typing import Any

from workbench.reporting import inline
from workbench.reporting.formats import show


def render_markdown(document: dict[str, Any]) -> str:
    """The report as GitHub-flavoured Markdown."""
    parts = [f"# {inline.markdown(document['title'])}"]
    parts += [inline.markdown(sentence) for sentence in document["summary"]]
    for section in document["sections"]:
        parts.append(f"## {inline.markdown(section['title'])}")
        parts += [RENDERERS[block["kind"]](block) for block in section["blocks"]]
    return "\n\n".join(parts) + "\n"


def _text(block: dict[str, Any]) -> str:
    return ("> " if block["note"] else "") + inline.markdown(block["text"])


def _bullets(block: dict[str, Any]) -> str:
    return "\n".join(f"- {inline.markdown(item)}" for item in block["items"])


def _code(block: dict[str, Any]) -> str:
    fence = "```"
    while fence in block["code"]:
        fence += "`"
    return f"{fence}{block['language']}\n{block['code']}\n{fence}"


def _table(block: dict[str, Any]) -> str:
    columns = block["columns"]
    head = "| " + " | ".join(inline.cell(column["title"]) for column in columns) + " |"
    rule = "|" + "|".join(":--" if column["style"] == "text" else "--:" for column in columns) + "|"
    rows = [
        "| " + " | ".join(inline.cell(show(row[column["key"]], column["style"])) for column in columns) + " |"
        for row in block["rows"]
    ]
    return "\n".join([f"{inline.markdown(block['caption'])}", "", head, rule, *rows])


def _figure(block: dict[str, Any]) -> str:
    where = f"(drawn in [report.html](report.html#{block['name']}); its {len(block['data'])} rows are in `report.json`)"
    return f"Figure: {inline.markdown(block['caption'])} {where}"


RENDERERS = {"text": _text, "bullets": _bullets, "code": _code, "table": _table, "figure": _figure}
"""Kind of a block → its renderer."""
