"""`workbench price` on a store of made-up losses whose multipliers are known."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.factories import ALPHA, BETA, E, make_runs
from workbench.store import Store

GAMMA = ALPHA * BETA / (ALPHA + BETA)
KAPPA = {"baseline": 1.0, "good": 1.6, "bad": 0.5}
PRICE = ("--sweep", "made", "--resamples", 20)


def made(folder: Path, changes: dict[str, dict[str, Any]]) -> Path:
    """A design of simulated runs, and each variant at two points and three rates."""
    store = Store.create(folder)
    runs, curves, _ = make_runs(0)
    design = runs[runs["role"].isin(["grid", "seed"])]
    entries = []

    def add(row: dict, **entry: object) -> None:
        store.write_run(row, curves[curves["run_id"] == design["run_id"].iloc[0]].assign(run_id=row["run_id"]))
        entries.append({"run_id": row["run_id"], "size": "", "level": 0.0, "variant": "", **entry})

    for row in design.to_dict("records"):
        add(row, role=row["role"])
    for name in changes:
        for level, least in ((1e6, 3.2), (4e6, 2.8)):
            for factor in (0.5, 1.0, 2.0):
                loss = E + KAPPA[name] ** -GAMMA * (least - E) + (factor != 1) * 0.3
                changed = {"run_id": f"r-{name}-{level:.0f}-{factor:g}", "loss": loss, "rate_factor": factor}
                add({**design.iloc[0], **changed}, size="small", level=level, role="variant", variant=name)
    definition = {"variants": {"changes": changes}} if changes else {}
    store.write_manifest({"name": "made", "runs": entries, "definition": definition})
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    changes: dict[str, dict[str, Any]] = {
        "baseline": {},
        "good": {"activation": "swiglu"},
        "bad": {"train.z_loss": 1e-4},
    }
    return made(tmp_path_factory.mktemp("price") / "store", changes)


def test_each_technique_is_a_line_the_best_first(run, folder):
    code, out, _ = run("price", "--store", folder, *PRICE)
    head, first, second, *notes = out.splitlines()
    assert code == 0 and head.startswith("technique") and "worth" in head
    assert first.startswith("good") and first.endswith("activation = swiglu") and "2 of 2" in first
    assert second.startswith("bad") and second.endswith("z_loss = 0.0001")
    assert any(line.startswith("Noise between seeds") for line in notes)


def test_a_script_gets_the_multiplier_and_its_interval(run, folder):
    code, out, _ = run("price", "--store", folder, *PRICE, "--json")
    found = json.loads(out)
    good = next(one for one in found["prices"] if one["variant"] == "good")
    assert code == 0 and found["level"] == 0.95 and found["planned"] == found["ended"]
    assert good["multiplier"] == pytest.approx(1.6, rel=0.1)
    assert good["interval"][0] < 1.6 < good["interval"][1] and good["points"] == good["bracketed"] == 2


def test_the_report_is_written(run, folder, tmp_path):
    code, _, err = run("price", "--store", folder, *PRICE, "--out", tmp_path / "prices")
    assert code == 0 and "report.html" in err
    assert {path.name for path in (tmp_path / "prices").iterdir()} >= {"report.html", "report.md", "report.json"}
    assert "good" in (tmp_path / "prices" / "report.md").read_text()


@pytest.mark.parametrize(
    ("changes", "message"),
    [({}, "'made' has no [variants]"), ({"good": {}}, "variants.changes has no 'baseline'")],
)
def test_a_sweep_without_variants_or_baseline_is_one_sentence_and_exit_code_2(run, tmp_path, changes, message):
    code, out, err = run("price", "--store", made(tmp_path / "store", changes), *PRICE)
    assert code == 2 and out == "" and message in err and err.count("\n") == 1


def test_a_sweep_that_the_store_does_not_have_is_exit_code_2(run, folder):
    code, out, err = run("price", "--store", folder, "--sweep", "other")
    assert code == 2 and out == "" and "other" in err and err.count("\n") == 1
