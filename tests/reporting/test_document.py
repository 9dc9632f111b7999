"""A report's three files: one source, no markup that escapes, the same bytes each time."""

import json

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.reporting.document import Bullets, Code, Column, Figure, Report, Section, Table, Text
from workbench.reporting.render_html import framed, render_html
from workbench.reporting.render_markdown import render_markdown

HOSTILE = "</script><script>alert(1)</script> | <b>*bold*</b> & `code <i>`"


def small_report(text: str = "plain") -> Report:
    frame = pd.DataFrame({"n": [1000, 2_000_000], "loss": [3.25, np.nan], "span": [[1.0, 2.0], [np.nan, np.nan]]})
    columns = [Column("n", "N | all", "count"), Column("loss", "loss", "loss"), Column("span", "s", "interval")]
    table = Table.of("sizes", text, frame, columns)
    figure = go.Figure(go.Scatter(x=[1, 2], y=[3, 4], name=text))
    blocks = (
        Text(text),
        Text(text, note=True),
        Bullets((text, "two")),
        Code(text, "sh"),
        table,
        Figure("a-figure", text, figure, frame[["n", "loss"]]),
    )
    return Report(text, (text,), (Section(text, blocks),), {"value": np.float64(0.1), "missing": np.nan})


def test_json_is_plain_and_keeps_full_precision():
    document = json.loads(small_report().to_json())
    assert document["data"] == {"value": 0.1, "missing": None}
    table = document["sections"][0]["blocks"][4]
    assert table["rows"][1] == {"n": 2_000_000, "loss": None, "span": [None, None]}


def test_the_same_report_has_the_same_bytes():
    assert small_report().to_json() == small_report().to_json()
    document = small_report().to_dict()
    assert render_html(document) == render_html(document)


def test_no_text_becomes_markup_in_html():
    page = render_html(json.loads(small_report(HOSTILE).to_json()))
    library_ends = page.rindex("<script>\n// Each figure")
    body, scripts = page[: page.index("<script>/**") if "<script>/**" in page else library_ends], page[library_ends:]
    assert "alert(1)</script>" not in body.replace("&lt;", "<lt>")
    assert "<b>" not in body
    assert "&lt;/script&gt;" in body
    assert "<code>code &lt;i&gt;</code>" in body
    assert "alert" not in scripts


def test_plotly_is_in_the_page_once_and_nothing_is_fetched():
    page = render_html(json.loads(small_report().to_json()))
    assert page.count("plotly.js v") == 1
    assert len(page) < 6_000_000
    assert 'src="http' not in page
    assert "<link" not in page
    assert "default-src 'none'" in page


def test_no_text_becomes_markup_in_markdown():
    text = render_markdown(json.loads(small_report(HOSTILE).to_json()))
    outside_code = "\n".join(part for i, part in enumerate(text.split("```")) if i % 2 == 0)
    assert "<b>" not in outside_code
    assert "\\*bold\\*" in outside_code
    assert "| N \\| all | loss | s |" in outside_code
    assert "| 1.00k | 3.250 | 1.00 to 2.00 |" in outside_code
    assert "| 2.00M | – | – |" in outside_code


def test_a_fence_is_longer_than_any_fence_in_the_code():
    document = Report("t", (), (Section("s", (Code("a\n```\nb"),)),)).to_dict()
    assert "````\na\n```\nb\n````" in render_markdown(document)


def test_a_notebook_shows_the_page_in_a_frame():
    assert framed(small_report().to_dict()).startswith('<iframe srcdoc="')
    assert small_report()._repr_html_().count("<iframe") == 1
