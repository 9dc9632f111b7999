"""A report's blocks on a page: text, lists, code, tables and figures, in the light or the dark."""

from collections.abc import Callable

import streamlit as st

from workbench.analyses import citing, views
from workbench.analyses.ask import Ask
from workbench.app import data
from workbench.errors import WorkbenchError
from workbench.reporting import inline
from workbench.reporting.dark import on_dark
from workbench.reporting.document import Block, Bullets, Code, Column, Figure, Table, Text
from workbench.reporting.formats import show as formatted

MARKUP = str.maketrans({c: f"&#{ord(c)};" for c in "*_$[]~`:\\|"})
"""Characters that Markdown would take for markup → the same as HTML entities."""

FILE_HEIGHT = 320
"""Of a file shown, in pixels."""

TABLE_STYLE = """<style>
.rows { overflow-x: auto; }
.rows table { border-collapse: collapse; font-size: 0.875rem; }
.rows th, .rows td { padding: 0.3rem 1.1rem 0.3rem 0; text-align: left; vertical-align: top; }
.rows th, .rows td { border: 0; border-bottom: 1px solid rgba(128, 128, 128, 0.25); }
.rows th { font-weight: 600; border-bottom-color: rgba(128, 128, 128, 0.7); vertical-align: bottom; }
.rows .number { text-align: right; font-variant-numeric: tabular-nums; }
.rows td.number { white-space: nowrap; }
.rows th:first-child, .rows td:first-child { min-width: 7rem; }
.rows .prose { min-width: 15rem; }
</style>"""

PROSE = 40
"""Characters of a cell from which its column is kept wide enough to be read."""

METRIC_STYLE = """<style>
[data-testid="stMetricDelta"] * { white-space: normal !important; }
</style>"""
"""What stands below a number is never cut."""


Cite = Callable[[Figure], str]
"""From a figure to how one cites it."""


def of_these_runs(item: Figure) -> str:
    """A figure of the chosen sweep."""
    return citing.citation(data.selected(), item)


def of_no_runs(item: Figure) -> str:
    """A figure that says nothing of any run."""
    return citing.citation(None, item)


def title(text: str, answers: str) -> None:
    """A page's title, and what the page answers."""
    st.title(text)
    st.caption(_html(answers), unsafe_allow_html=True)


def view(name: str, ask: Ask) -> None:
    """What a view draws of the chosen sweep, under each figure the command that draws it too."""
    cite = of_these_runs if views.view(name).of_runs else of_no_runs
    blocks(data.blocks(name, ask), views.command(name, data.selected(), ask), cite)


def metrics(items: list[tuple[str, str, str]]) -> None:
    """What stands large at the top of a page: title, number, what is below."""
    st.html(METRIC_STYLE)
    for cell, (label, value, below) in zip(st.columns(len(items)), items, strict=True):
        cell.metric(label, value, below, delta_color="off", delta_arrow="off", border=True)


def trouble(error: Exception) -> None:
    """What is wrong with the store or with what was asked, as a sentence in which no character is Markdown."""
    st.error("".join(f"\\{c}" if c in "\\`*_[]$#~:<>" else c for c in str(error)))


def guarded(draw: Callable[[], None]) -> None:
    """Draw a part that reruns by itself: it must say its own troubles, as no page stands around it then."""
    try:
        draw()
    except (WorkbenchError, OSError) as error:
        trouble(error)


def blocks(items: list[Block], command: str = "", cite: Cite | None = of_these_runs) -> None:
    """Show the blocks one under another."""
    for item in items:
        block(item, command, cite)


def block(item: Block, command: str = "", cite: Cite | None = of_these_runs) -> None:
    """Show one block; under a figure the command that makes it, and how to cite it unless it will change."""
    if isinstance(item, Text):
        _text(item)
    elif isinstance(item, Bullets):
        st.markdown(
            "<ul>" + "".join(f"<li>{_html(text)}</li>" for text in item.items) + "</ul>", unsafe_allow_html=True
        )
    elif isinstance(item, Code):
        _code(item)
    elif isinstance(item, Table):
        _table(item)
    else:
        figure(item, command, cite)


def figure(item: Figure, command: str = "", cite: Cite | None = of_these_runs) -> None:
    """A figure, what it shows, and what belongs under it."""
    drawn = on_dark(item.figure) if st.context.theme.type == "dark" else item.figure
    options = {"displaylogo": False, "toImageButtonOptions": {"filename": item.name, "scale": 2}}
    st.plotly_chart(drawn, theme=None, key=f"figure-{item.name}", config=options, alt=item.caption)
    words, more = st.columns([4, 1], vertical_alignment="top")
    words.caption(_html(item.caption), unsafe_allow_html=True)
    with more.popover("Data and citation" if cite else "Data", type="tertiary"):
        _footer(item, command, cite)


def _footer(item: Figure, command: str, cite: Cite | None) -> None:
    """A figure's numbers to take away, the command that makes it, and how to cite it."""
    if not item.data.empty:
        places = st.columns(2)
        for place, kind, mime, content in (
            (places[0], "csv", "text/csv", lambda: item.data.to_csv(index=False)),
            (places[1], "parquet", "application/vnd.apache.parquet", lambda: item.data.to_parquet(index=False)),
        ):
            place.download_button(
                kind.upper() if kind == "csv" else "Parquet",
                content,
                file_name=f"{item.name}.{kind}",
                mime=mime,
                key=f"{kind}-{item.name}",
                on_click="ignore",
            )
    if command:
        st.caption("The command that draws it:")
        st.code(command, language="sh", wrap_lines=True)
    if cite:
        st.caption("To cite it:")
        st.code(cite(item), language=None, wrap_lines=True)


def sentence(text: str) -> None:
    """A paragraph."""
    st.markdown(_html(text), unsafe_allow_html=True)


def _code(item: Code) -> None:
    """Commands or a formula; a whole file can be taken away, and scrolls."""
    if item.file:
        st.download_button(f"Download {item.file}", item.code, item.file, key=f"file-{item.file}", on_click="ignore")
    st.code(item.code, language=item.language or None, wrap_lines=True, height=FILE_HEIGHT if item.file else "content")


def _text(item: Text) -> None:
    if item.note:
        st.warning(inline.markdown(item.text).replace("$", "\\$"))
    else:
        sentence(item.text)


def _table(item: Table) -> None:
    """A table as text, each number written as in the report."""
    if item.folded:
        with st.expander(inline.markdown(item.caption)):
            st.html(TABLE_STYLE + _rows(item))
    else:
        st.caption(_html(item.caption), unsafe_allow_html=True)
        st.html(TABLE_STYLE + _rows(item))


def _rows(item: Table) -> str:
    """The table as HTML; columns of numbers stand right."""
    sides = [_side(item, column) for column in item.columns]
    head = "".join(f"<th{side}>{inline.html(c.title)}</th>" for c, side in zip(item.columns, sides, strict=True))
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{side}>{inline.html(formatted(row[column.key], column.style))}</td>"
            for column, side in zip(item.columns, sides, strict=True)
        )
        + "</tr>"
        for row in item.rows
    )
    return f'<div class="rows"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _side(item: Table, column: Column) -> str:
    """A column's class: numbers stand right, long text needs room."""
    if column.style != "text":
        return ' class="number"'
    longest = max((len(formatted(row[column.key], column.style)) for row in item.rows), default=0)
    return ' class="prose"' if longest > PROSE else ""


def _html(text: str) -> str:
    """The report's little markup as HTML in which no character is left for Markdown to read."""
    return str(inline.html(text)).translate(MARKUP)
