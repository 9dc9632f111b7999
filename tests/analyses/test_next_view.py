"""The proposal as a page shows it: that of the command, its definition one that the runner expands, its refusals."""

import json
import shlex
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.factories import add_sweep, make_runs, make_store
from workbench.analyses import next_view, sweeps
from workbench.analyses.next_view import LAW_CHOICES, NextAsk
from workbench.analyses.selection import Selection
from workbench.cli.main import main
from workbench.errors import BadInput
from workbench.fitting.design.targets import TARGETS
from workbench.reporting.document import Block, Bullets, Code, Figure, Table, Text
from workbench.reporting.figures.next_runs import PLANES, VALUES
from workbench.runner.definition import expand, read_definition
from workbench.store import Store, reference_store

RESAMPLES = 50


@pytest.fixture(scope="module")
def reference() -> Selection:
    return Selection(Path(str(reference_store())), "quickstart", RESAMPLES)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The simulated sweep, and eight runs of it on another corpus."""
    folder = make_store(tmp_path_factory.mktemp("next") / "store")
    add_sweep(folder)
    return folder


@pytest.fixture(scope="module")
def simulated(two: Path) -> Selection:
    return Selection(two, "simulated", RESAMPLES)


def of(kind: type[Any], blocks: list[Block]) -> list[Any]:
    return [block for block in blocks if isinstance(block, kind)]


def test_the_definition_is_the_one_that_the_command_beside_it_writes(
    reference: Selection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    shown, definition = of(Code, next_view.blocks(reference, NextAsk(target="n-opt", flops=2e12, max_runs=10)))
    command, plan, run = shown.code.splitlines()
    assert plan == "workbench sweep plan next.toml"
    assert run == "workbench sweep run next.toml"
    with pytest.raises(SystemExit) as exit_:
        main([*shlex.split(command)[1:], "--json"])
    assert exit_.value.code == 0
    assert (tmp_path / "next.toml").read_text() == definition.code
    assert definition.file == "next.toml"
    proposed = json.loads(capsys.readouterr().out)
    expanded = expand(read_definition(tmp_path / "next.toml"), "next.toml", 257)
    assert len(expanded) == sum(one["repeats"] for one in proposed["runs"])


def test_the_words_the_table_and_the_figure_are_of_one_proposal(simulated: Selection):
    blocks = next_view.blocks(simulated, NextAsk(flops=1e13))
    (figure,), (table,) = of(Figure, blocks), of(Table, blocks)
    proposed = figure.data[figure.data["purpose"] != "so far"]
    many = int(proposed["repeats"].sum())
    assert f"{many} runs more" in of(Text, blocks)[0].text
    assert f"{many} proposed runs over the 32 runs so far" in figure.caption
    assert sum(row["repeats"] for row in table.rows) == many
    assert (proposed["c"] * proposed["repeats"]).sum() <= 1e13
    assert of(Bullets, blocks)[0].items[0].startswith("No other allocation of this budget")


def test_the_budget_is_what_was_spent_unless_told(simulated: Selection):
    spent = make_runs(0)[0]["flops_spent"].sum()
    assert next_view.spent(simulated) == pytest.approx(spent, rel=5e-3)
    (table,) = of(Table, next_view.blocks(simulated, NextAsk()))
    used = sum(row["c"] * row["repeats"] for row in table.rows)
    assert 0.8 * spent < used <= 1.01 * spent


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_has_its_interval_drawn(simulated: Selection, target: str):
    (figure,) = of(Figure, next_view.blocks(simulated, NextAsk(target=target, flops=1e13)))
    after, now = (trace.error_x for trace in figure.figure.data if trace.error_x.array is not None)
    assert after.array[0] + after.arrayminus[0] < now.array[0] + now.arrayminus[0]
    assert figure.figure.layout.xaxis2.title.text == VALUES[target]


@pytest.mark.parametrize("plane", PLANES)
def test_either_plane_may_be_drawn(simulated: Selection, plane: str):
    (figure,) = of(Figure, next_view.blocks(simulated, NextAsk(plane=plane)))
    x = next(trace for trace in figure.figure.data if trace.name == "runs so far").x
    so_far = figure.data[figure.data["purpose"] == "so far"]
    assert np.asarray(x) == pytest.approx(so_far[PLANES[plane].x].to_numpy())


def test_every_law_offered_makes_a_proposal(simulated: Selection):
    for law in LAW_CHOICES:
        assert of(Figure, next_view.blocks(simulated, NextAsk(target="n-opt", law=law, flops=1e13))), law


def test_runs_that_no_definition_can_continue_get_a_table_and_the_reason(simulated: Selection):
    blocks = next_view.blocks(simulated, NextAsk(flops=1e13))
    assert not of(Code, blocks)
    assert "the key model.vocab_size is missing." in of(Text, blocks)[-1].text
    assert "size" not in of(Table, blocks)[0].rows[0]


def test_of_two_corpora_that_of_most_compute_is_taken_and_the_other_named(two: Path, simulated: Selection):
    note, words = of(Text, next_view.blocks(Selection(two, None, RESAMPLES), NextAsk(flops=1e13)))[:2]
    assert note.note
    assert "the runs of 'simulated', which took the most compute; 'other' (8 runs) cannot share their law" in note.text
    assert of(Text, next_view.blocks(simulated, NextAsk(flops=1e13)))[0] == words


def test_runs_that_determine_no_law_are_refused_with_what_to_train():
    one_horizon = Selection(Path(str(reference_store())), "emergence", RESAMPLES)
    with pytest.raises(BadInput, match=r"all 24 runs have one number of tokens.*three or more budgets"):
        next_view.blocks(one_horizon, NextAsk())


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (NextAsk(flops=1.0), "less than the smallest run so far"),
        (NextAsk(robust=2.0), "robust is 2"),
        (NextAsk(max_runs=1), "max_runs is 1"),
        (NextAsk(target="a", at=1e14), "the same at every compute"),
    ],
)
def test_a_wish_that_buys_nothing_is_refused(simulated: Selection, ask: NextAsk, said: str):
    with pytest.raises(BadInput, match=said):
        next_view.blocks(simulated, ask)


def test_a_size_that_is_not_determined_has_words_in_place_of_numbers(tmp_path: Path):
    runs, curves, _ = make_runs(0)
    store = Store.create(tmp_path / "store")
    for row in runs[(runs["budget"] == 1e11) & (runs["role"] == "grid")].to_dict("records"):
        store.write_run({str(key): value for key, value in row.items()}, curves[curves["run_id"] == row["run_id"]])
    ask = NextAsk(target="n-opt", at=1e18, flops=1e13)
    blocks = next_view.blocks(Selection(store.folder, None, RESAMPLES), ask)
    said = of(Text, blocks)[0].text
    assert "the compute-optimal N at C = 1e+18 is not determined: its interval spans" in said
    assert "how far cannot be said yet" in said
    (figure,) = of(Figure, blocks)
    assert not [trace for trace in figure.figure.data if trace.error_x.array is not None]


def test_a_store_without_a_finished_run_says_what_to_do(tmp_path: Path):
    runs, curves, _ = make_runs(0)
    store = Store.create(tmp_path / "store")
    row = {str(key): value for key, value in runs.iloc[0].items()}
    store.write_run(row | {"status": "failed", "loss": np.nan}, curves[curves["run_id"] == row["run_id"]])
    for target in ("a", "loss"):
        assert next_view.blocks(Selection(store.folder), NextAsk(target=target)) == [sweeps.NO_RUNS]


def test_a_definition_is_toml(reference: Selection):
    (definition,) = [code for code in of(Code, next_view.blocks(reference, NextAsk())) if code.file]
    assert tomllib.loads(definition.code)["sweep"]["name"] == "next"
