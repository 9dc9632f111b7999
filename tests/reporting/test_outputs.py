"""A report's folder: every format from one source, the same bytes each time, a user's templates before ours."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from tests.reporting.test_document import HOSTILE, small_report
from workbench.errors import BadInput
from workbench.reporting import latex, outputs, render_pdf
from workbench.reporting.document import Bullets, Report, Section, Text
from workbench.reporting.outputs import FORMATS, chosen, write
from workbench.reporting.templating import check_templates


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_report_is_one_folder_of_every_format(tmp_path):
    paths = write(small_report(), tmp_path / "new" / "r", tuple(FORMATS))
    assert files(tmp_path / "new" / "r") == [
        "data/a-figure.csv",
        "figures/a-figure-column.svg",
        "figures/a-figure.png",
        "figures/a-figure.svg",
        "report.html",
        "report.json",
        "report.md",
        "report.pdf",
        "tables/sizes.tex",
    ]
    assert paths["json"].name == "report.json" and paths["tex"].name == "tables"


def test_the_same_report_has_the_same_bytes_in_every_format(tmp_path):
    for name in ("a", "b"):
        write(small_report(), tmp_path / name, tuple(FORMATS))
    for name in files(tmp_path / "a"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_markdown_comes_with_the_pictures_it_links_to(tmp_path):
    write(small_report(), tmp_path, ("md",))
    linked = re.findall(r"\]\((.+?)\)", (tmp_path / "report.md").read_text())
    assert linked == ["figures/a-figure.svg"]
    assert files(tmp_path) == ["figures/a-figure.svg", "report.md"]


def test_the_csv_holds_the_numbers_of_the_figure(tmp_path):
    write(small_report(), tmp_path, ("csv", "json"))
    document = json.loads((tmp_path / "report.json").read_text())
    drawn = next(block for block in document["sections"][0]["blocks"] if block["kind"] == "figure")
    read = pd.read_csv(tmp_path / "data" / "a-figure.csv")
    assert read.to_dict("records")[0] == drawn["data"][0]


def test_a_file_where_the_folder_should_be_is_a_sentence(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(BadInput, match="this is a file; give a folder"):
        write(small_report(), tmp_path / "taken")


def test_formats_are_chosen_by_name_and_all_without_one():
    assert chosen(()) == tuple(FORMATS)
    assert chosen(("md,JSON", "html")) == ("html", "md", "json")
    with pytest.raises(BadInput, match="--format docx: there is no such format; there are html, md, pdf"):
        chosen(("docx",))


def test_without_typst_the_rest_is_written_and_pdf_says_how(monkeypatch):
    monkeypatch.setattr(outputs.render_pdf, "can_write_pdf", lambda: False)
    assert "pdf" not in chosen(()) and "html" in chosen(())
    with pytest.raises(BadInput, match=r"--format pdf: PDF is written by Typst, which is missing: pip install"):
        chosen(("pdf",))


def test_a_pdf_has_its_title_and_typst_runs_no_text_of_the_data():
    document = json.loads(small_report('#panic("ran") $x$ *b* @ref // <l>').to_json())
    picture = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
    pdf = render_pdf.render_pdf(document, {"a-figure": picture})
    assert pdf.startswith(b"%PDF-")
    assert render_pdf.render_pdf(document, {"a-figure": picture}) == pdf


def test_latex_is_escaped_and_has_one_row_a_row(tmp_path):
    write(small_report(HOSTILE + r" \input{x} 50% $N_opt ∝ C^a$ 3×10⁻¹¹ #1"), tmp_path, ("tex",))
    source = (tmp_path / "tables" / "sizes.tex").read_text()
    assert r"\textbackslash{}input\{x\} 50\% \$$N_\mathrm{opt}$ $\propto$ $C^a$\$ 3$\times$10$^{-11}$ \#1" in source
    assert source.count("\\\\\n") == 3 and source.count(r"\toprule") == source.count(r"\bottomrule") == 1
    assert r"N \textbar{} all & loss & s \\" in source
    assert r"1.00k & 3.250 & 1.00 to 2.00 \\" in source
    assert source.count("{") == source.count("}")


def test_symbols_have_a_form_in_latex():
    assert latex.text("L̂ − `a_b` “q”") == r"$\hat{L}$ $-$ \texttt{a\_b} ``q''"


def test_a_template_of_ones_own_comes_before_ours_and_is_escaped(tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "report.md.j2").write_text("{{ report.title }} in my words\n")
    (tmp_path / "own" / "report.css").write_text("body { color: teal; }\n")
    write(small_report(HOSTILE), tmp_path / "r", ("md", "html"), tmp_path / "own")
    assert (tmp_path / "r" / "report.md").read_text().startswith("&lt;/script&gt;&lt;script&gt;alert(1)")
    assert "body { color: teal; }" in (tmp_path / "r" / "report.html").read_text()


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("one\n{{ report.nothing.more }}\n", "report.md.j2, line 2: 'dict object' has no attribute 'nothing'"),
        ("one\n\n{% if %}\n", "report.md.j2, line 3: Expected an expression"),
        ("{{ ''.__class__.__mro__ }}", "report.md.j2, line 1: access to attribute '__class__'"),
        ("{{ 1 / 0 }}", "report.md.j2, line 1: division by zero"),
    ],
)
def test_a_template_that_fails_is_a_sentence_with_its_line(tmp_path, template: str, said: str):
    (tmp_path / "report.md.j2").write_text(template)
    with pytest.raises(BadInput) as raised:
        write(small_report(), tmp_path / "r", ("md",), tmp_path)
    assert str(raised.value).startswith(f"--templates {tmp_path}: {said}")


def test_a_typst_template_that_fails_is_a_sentence_too(tmp_path):
    (tmp_path / "report.typ").write_text("fine\n#nothing\n")
    with pytest.raises(BadInput, match=r"--templates .*unknown variable: nothing"):
        write(small_report(), tmp_path / "r", ("pdf",), tmp_path)


def test_a_folder_without_templates_is_refused(tmp_path):
    with pytest.raises(BadInput, match="there is no such folder"):
        check_templates(tmp_path / "none")
    with pytest.raises(BadInput, match=r"it holds none of report.html.j2, report.md.j2"):
        check_templates(tmp_path)


def test_long_tables_stand_at_the_end_of_the_pdf_and_break_across_pages_in_latex(tmp_path):
    from workbench.reporting.document import Column, Table

    frame = pd.DataFrame({"n": range(120)})
    table = Table.of("many", "Many rows", frame, [Column("n", "N", "integer")], folded=True)
    report = Report("t", ("s",), (Section("first", (table, Text("after"), Bullets(("a",)))),))
    paths = write(report, tmp_path, ("tex", "pdf"))
    assert r"\begin{longtable}{r}" in (paths["tex"] / "many.tex").read_text()
    assert paths["pdf"].stat().st_size > 5000
