"""A plan says what of its design cannot identify a law, and nothing of designs that are there for something else."""

from pathlib import Path

import pytest

from tests.runner.definitions import write_sweep
from workbench.models.counts import count
from workbench.runner.definition import SweepDefinition, expand, read_definition
from workbench.runner.identifiability import identifiability
from workbench.runner.plan import PlannedRun
from workbench.training.horizon import resolve

SWEEPS = Path(__file__).parents[2] / "sweeps"


def said(path: Path) -> list[str]:
    """What is said of a definition, as its plan would, but without its corpus."""
    definition = read_definition(path)
    return identifiability(definition, runs(definition))


def runs(definition: SweepDefinition) -> list[PlannedRun]:
    asked = expand(definition, "here", definition.corpus.resolved_vocab_size)
    return [
        PlannedRun(
            str(i), "", run.config, resolve(run.config), count(run.config.model), run.size, run.level, run.role, "",
            definition.design.type, "", 0,
        )
        for i, run in enumerate(asked)
    ]  # fmt: skip


def design(folder: Path, kind: str, levels: str, widths: list[int], more: str = "") -> Path:
    """A sweep of these levels and widths, one layer of one head."""
    path = write_sweep(folder, more)
    text = path.read_text().replace("isoflop", kind).replace("[3e7, 6e7]", levels)
    sizes = "".join(f"w{width} = {{ d_model = {width} }}\n" for width in widths)
    start, end = text.index("small ="), text.index("[design]")
    path.write_text(f"{text[:start]}{sizes}{text[end:]}")
    return path


@pytest.mark.parametrize(
    "name", ["quickstart", "axes", "axes-smoke", "emergence", "known-entropy", "mup-widths", "critical-batch"]
)
def test_the_sweeps_that_ship_are_not_warned_of(name: str) -> None:
    assert said(SWEEPS / f"{name}.toml") == []


def test_smoke_has_two_budgets_half_a_decade_apart() -> None:
    levels, spread = said(SWEEPS / "smoke.toml")
    assert "design.levels has 2 levels" in levels and "give at least 3" in levels
    assert "0.52 of a decade" in spread


def test_three_budgets_over_a_decade_and_around_the_optimum_are_fine(tmp_path: Path) -> None:
    # One layer of width 16 has some 7,400 parameters and costs some 50,000 FLOPs a token: 3e9 is 8 tokens a parameter.
    assert said(design(tmp_path, "isoflop", "[3e9, 1e10, 3e10]", [8, 12, 16, 24, 32])) == []


def test_less_than_a_decade_of_compute_is_named(tmp_path: Path) -> None:
    (sentence,) = said(design(tmp_path, "isoflop", "[3e9, 5e9, 8e9]", [8, 12, 16, 24]))
    assert "0.43 of a decade" in sentence and "design.levels" in sentence


@pytest.mark.parametrize(
    ("levels", "widths", "words"),
    [
        ("[1e12, 3e12, 1e13]", [8, 12, 16], "every size sees more than 100 tokens per parameter"),
        ("[3e9, 1e10, 3e10]", [96, 128, 160], "every size sees fewer than 5 tokens per parameter"),
        ("[3e9, 1e10, 3e10]", [12, 24], "3e+09, 1e+10, 3e+10 have fewer than 3 sizes"),
    ],
)
def test_sizes_that_cannot_bracket_the_optimum_are_named(
    tmp_path: Path, levels: str, widths: list[int], words: str
) -> None:
    (sentence,) = said(design(tmp_path, "isoflop", levels, widths))
    assert words in sentence


def test_two_sizes_and_two_levels_of_a_grid_are_too_few(tmp_path: Path) -> None:
    levels, sizes = said(design(tmp_path, "grid", "[1000, 20_000]", [4, 8]))
    assert "2 levels" in levels and "[sizes] has 2 sizes" in sizes


def test_a_ladder_of_one_ratio_is_named(tmp_path: Path) -> None:
    sentences = said(design(tmp_path, "ladder", "[20]", [4, 8, 16, 32]))
    assert "1 level:" in sentences[0]


def test_seeds_and_other_axes_make_no_new_point(tmp_path: Path) -> None:
    more = '\n[axes]\nseed = [0, 1, 2]\n"model.position" = ["rope", "learned"]\n'
    sentences = said(design(tmp_path, "isoflop", "[3e9, 1e10, 3e10]", [12, 24], more))
    assert "fewer than 3 sizes" in sentences[0]


def test_an_axis_of_the_shape_is_one_of_sizes(tmp_path: Path) -> None:
    more = '\n[axes]\n"model.d_model" = [8, 12, 16, 24, 32]\n'
    assert said(design(tmp_path, "isoflop", "[3e9, 1e10, 3e10]", [8], more)) == []
