"""`workbench report`: one folder, JSON alone on stdout, one sentence and exit code 2 for bad input."""

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from tests.factories import add_sweep, make_runs, make_store
from workbench.cli.main import main

FEW = ("--format", "html,md,json")


def run(capsys, *args: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the command line."""
    with pytest.raises(SystemExit) as stopped:
        main(list(args))
    captured = capsys.readouterr()
    return int(stopped.value.code or 0), captured.out, captured.err


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Path:
    return make_store(tmp_path_factory.mktemp("stores") / "simulated")


def test_a_store_becomes_one_folder_of_every_format(store, tmp_path, capsys):
    code, out, err = run(capsys, "report", str(store), "--out", str(tmp_path / "r"), "--resamples", "20", "--json")
    assert code == 0, err
    payload = json.loads(out)
    assert {kind: Path(path).name for kind, path in payload["files"].items()} == {
        "html": "report.html",
        "md": "report.md",
        "pdf": "report.pdf",
        "tex": "tables",
        "json": "report.json",
        "csv": "data",
        "svg": "figures",
        "png": "figures",
    }
    document = json.loads((tmp_path / "r" / "report.json").read_text())
    assert payload["summary"] == document["data"]["summary_lines"]
    assert (tmp_path / "r" / "report.html").stat().st_size < 6_000_000
    assert {"law": "chinchilla", "convention": "n", "identified": True} in payload["fitted"]


def test_of_two_corpora_the_one_with_most_compute_is_reported_and_the_tasks_of_both(tmp_path, capsys):
    folder = make_store(tmp_path / "two")
    add_sweep(folder)
    code, out, err = run(capsys, "report", str(folder), "--out", str(tmp_path / "r"), "--resamples", "20", *FEW)
    assert code == 0, err
    assert out.startswith("These are the laws of 'simulated', which took the most compute.")
    assert """'other' (8 runs, --where "sweep = 'other'")""" in out
    document = json.loads((tmp_path / "r" / "report.json").read_text())
    assert document["title"] == "Scaling laws of simulated" and document["summary"][0] in out
    figures = [b["name"] for s in document["sections"] for b in s["blocks"] if b["kind"] == "figure"]
    assert {"task-addition-simulated", "task-addition-other"} <= set(figures) and len(figures) == len(set(figures))
    assert document["data"]["headline"]["n_points"] == 32
    assert document["data"]["left_out"] == [{"where": "sweep = 'other'", "runs": 8}]
    text = (tmp_path / "r" / "report.md").read_text()
    assert f"""workbench fit {folder.name} --where "sweep = 'simulated'" --objective""" in text


def test_the_same_store_gives_the_same_bytes(store, tmp_path, capsys):
    for name in ("a", "b"):
        assert run(capsys, "report", str(store), "--out", str(tmp_path / name), "--resamples", "20")[0] == 0
    files = [path for path in (tmp_path / "a").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".html", ".md", ".json", ".pdf", ".csv", ".tex", ".svg", ".png"}
    for path in files:
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes(), path.name


def test_a_report_names_no_folder_of_this_machine(store, tmp_path, capsys):
    assert run(capsys, "report", str(store), "--out", str(tmp_path / "r"), "--resamples", "0", *FEW)[0] == 0
    for name in ("report.html", "report.md", "report.json"):
        assert str(store.parent) not in (tmp_path / "r" / name).read_text()
    assert f"workbench fit {store.name} --objective" in (tmp_path / "r" / "report.md").read_text()


def test_formats_and_templates_are_chosen(store, tmp_path, capsys):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "report.md.j2").write_text("{{ report.nothing }}")
    asked = ("report", str(store), "--out", str(tmp_path / "r"), "--resamples", "0")
    code, _, err = run(capsys, *asked, "--format", "md", "--templates", str(tmp_path / "own"))
    assert code == 2 and "report.md.j2, line 1: 'dict object' has no attribute 'nothing'" in err
    (tmp_path / "own" / "report.md.j2").write_text("{{ report.title }}\n")
    code, _, err = run(capsys, *asked, "--format", "md", "--templates", str(tmp_path / "own"))
    assert code == 0, err
    assert (tmp_path / "r" / "report.md").read_text() == "Scaling laws of simulated\n"
    assert not (tmp_path / "r" / "report.html").exists()


def test_a_table_is_enough(tmp_path, capsys):
    runs = make_runs(0)[0]
    table = tmp_path / "runs.csv"
    pd.DataFrame({"size": runs["n_params"], "d": runs["tokens"], "loss": runs["loss"]}).to_csv(table, index=False)
    out = tmp_path / "r"
    code, text, err = run(
        capsys, "report", str(table), "--columns", "n=size,d=d,loss=loss", "--where", "loss < 4.9",
        "--out", str(out), "--resamples", "10", *FEW,
    )  # fmt: skip
    assert code == 0, err
    assert f"wrote {out / 'report.md'}" in text
    assert "Scaling laws of runs.csv" in (out / "report.md").read_text()
    assert (
        f"workbench fit {table.name} --columns n=size,d=d,loss=loss --where 'loss < 4.9' --objective"
        in (out / "report.md").read_text()
    )


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["{tmp}/nowhere"], "nowhere"),
        (["{tmp}/empty.csv"], "empty"),
        (["{tmp}/words.csv"], "loss"),
        (["{store}", "--out", "{tmp}/empty.csv"], "this is a file; give a folder"),
        (["{store}", "--resamples", "-1"], "resamples"),
        (["{store}", "--format", "docx"], "--format docx: there is no such format; there are html, md, pdf"),
        (["{store}", "--templates", "{tmp}/none"], "--templates"),
    ],
)
def test_bad_input_is_one_sentence(args, said, store, tmp_path, capsys):
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "words.csv").write_text("a,b\n1,2\n")
    filled = [arg.format(tmp=tmp_path, store=store) for arg in args]
    code, out, err = run(capsys, "report", *filled)
    assert code == 2
    assert said in err
    assert out == ""


def test_help_names_what_a_source_is():
    from workbench.cli.report import command

    text = CliRunner().invoke(command, ["--help"]).output
    assert (
        "SOURCE is a store (the word reference" in text
        and "a table (.csv, .tsv" in text
        and "W&B" in text
        and "TensorBoard" in text
    )
    assert "--json" in text


def test_a_folder_that_cannot_be_made_is_refused_before_the_work(store, tmp_path, capsys):
    code, out, err = run(capsys, "report", str(store), "--out", "/proc/xx")
    assert code == 2 and out == "" and err.count("\n") == 1
    assert err.startswith("Bad input: --out /proc/xx: this folder cannot be made or written in (")
    code, _, _ = run(capsys, "report", "none.csv", "--out", str(tmp_path / "a" / "b"))
    assert code == 2 and not (tmp_path / "a").exists()
