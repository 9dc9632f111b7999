"""What is doubtful of a table is said first: corpora mixed in one, units that look wrong."""

import pandas as pd
import pytest

from tests.fitting.designs import isoflop
from workbench.fitting import fit, read_table
from workbench.fitting.tables import canonical


def notes_of(table: pd.DataFrame) -> tuple[str, ...]:
    return canonical(table).attrs["notes"]


def two(**columns: list[str]) -> pd.DataFrame:
    """Two of a name in turn."""
    table = isoflop(0.002)
    return table.assign(**{name: (values * len(table))[: len(table)] for name, values in columns.items()})


def test_runs_of_two_corpora_are_a_note_that_comes_first_and_reaches_the_fit(tmp_path):
    two(dataset=["c4", "oscar"]).drop(columns="c").to_csv(tmp_path / "runs.csv", index=False)
    notes = read_table(tmp_path / "runs.csv").attrs["notes"]
    assert notes[0] == (
        "Column dataset has 2 values (c4, oscar): runs of different corpora share no law; "
        """choose with --where "dataset = 'c4'"."""
    )
    assert notes[1].startswith("The table has no column of compute")
    assert fit(tmp_path / "runs.csv", resamples=0).notes[0] == notes[0]
    assert read_table(tmp_path / "runs.csv", where="dataset = 'c4'").attrs["notes"] == notes[1:]


@pytest.mark.parametrize("name", ["corpus", "source", "model", "experiment", "config/dataset"])
def test_other_names_set_runs_apart_too(name):
    assert notes_of(two(**{name: ["a", "b"]}))[0].startswith(f"Column {name} has 2 values (a, b): runs of different")


def test_names_of_sizes_of_runs_and_of_one_corpus_are_no_cause_for_a_note():
    table = isoflop()
    assert notes_of(table.assign(model=[f"{n:.4g}" for n in table["n"]])) == ()
    assert notes_of(table.assign(experiment=[f"run {i}" for i in range(len(table))], dataset="c4")) == ()
    assert notes_of(two(group=["a", "b"])) == ()


def test_a_column_that_is_used_as_the_group_is_no_cause_for_a_note():
    assert canonical(two(dataset=["a", "b"]), {"group": "dataset"}).attrs["notes"] == ()


def test_units_that_look_wrong_are_said():
    table = isoflop()
    notes = notes_of(table.assign(n=table["n"] / 1e6, d=table["d"] / 1e9, c=table["c"]))
    assert "at the median, which is few parameters: is it in millions?" in notes[0]
    assert "at the median, which is few tokens: is it in billions?" in notes[1]
    small = pd.DataFrame({"n": [10.0, 20.0, 40.0], "d": [1e2, 1e3, 1e3], "loss": [0.01, 0.02, 0.005]})
    assert not any("few" in note for note in notes_of(small))
