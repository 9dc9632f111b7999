"""Points drawn at random, as a Latin hypercube, or listed: always the same ones, and refused in a sentence."""

import math
from pathlib import Path
from typing import Any

import pytest

from tests.runner.definitions import write_sweep
from tests.runner.test_identifiability import said
from tests.runner.test_plan import planned
from workbench.errors import BadInput
from workbench.runner.definition import Asked, expand, read_definition
from workbench.runner.ranges import Range

FIELDS = """
draws = 16
[design.fields]
d_model = { low = 8, high = 64, log = true, step = 8 }
tokens = { low = 1000, high = 100_000, log = true }
"train.learning_rate" = { low = 1e-3, high = 1e-1, log = true }
activation = ["gelu", "relu2", "swiglu"]
"""


def write(folder: Path, kind: str, more: str, sizes: bool = False) -> Path:
    """A definition of a drawn design or of a list."""
    path = write_sweep(folder)
    text = path.read_text().replace("isoflop", kind).replace("levels = [3e7, 6e7]\n", more)
    if not sizes:
        start, end = text.index("[sizes]"), text.index("[design]")
        text = text[:start] + text[end:]
    path.write_text(text)
    return path


def asked(path: Path) -> list[Asked]:
    return expand(read_definition(path), str(path), vocab_size=257)


def drawn(run: Asked) -> tuple[Any, ...]:
    model, train = run.config.model, run.config.train
    return model.d_model, train.tokens, train.learning_rate, model.activation


def test_the_same_definition_draws_the_same_points_always(tmp_path: Path) -> None:
    runs = asked(write(tmp_path, "random", FIELDS))
    assert [drawn(run) for run in runs[:3]] == FIRST["random"]
    assert [drawn(run) for run in asked(write(tmp_path, "latin-hypercube", FIELDS))[:3]] == FIRST["latin-hypercube"]


FIRST: dict[str, list[tuple[Any, ...]]] = {
    "random": [(8, 1207, 0.00107908, "relu2"), (56, 16338, 0.0287735, "swiglu"), (56, 42822, 0.00101269, "relu2")],
    "latin-hypercube": [(40, 4566, 0.0723269, "relu2"), (8, 98382, 0.0140487, "gelu"), (8, 1390, 0.00410916, "swiglu")],
}


@pytest.mark.parametrize("kind", ["random", "latin-hypercube"])
def test_draws_are_within_their_ranges_and_levels_are_their_horizons(tmp_path: Path, kind: str) -> None:
    runs = asked(write(tmp_path, kind, FIELDS))
    assert len(runs) == 16
    for run in runs:
        width, tokens, rate, activation = drawn(run)
        assert width in range(8, 65, 8) and 1000 <= tokens <= 100_000 and 1e-3 <= rate <= 1e-1
        assert activation in ("gelu", "relu2", "swiglu")
        assert run.level == tokens and run.role == "grid"
    assert len({run.size for run in runs}) == 16


def test_the_order_of_fields_does_not_matter_and_the_seed_does(tmp_path: Path) -> None:
    first = [drawn(run) for run in asked(write(tmp_path, "random", FIELDS))]
    lines = FIELDS.strip().splitlines()
    turned = "\n".join(["", *lines[:2], *reversed(lines[2:]), ""])
    assert [drawn(run) for run in asked(write(tmp_path, "random", turned))] == first
    assert [drawn(run) for run in asked(write(tmp_path, "random", "seed = 1\n" + FIELDS))] != first


def test_more_random_draws_keep_the_first_ones(tmp_path: Path) -> None:
    first = [drawn(run) for run in asked(write(tmp_path, "random", FIELDS))]
    more = [drawn(run) for run in asked(write(tmp_path, "random", FIELDS.replace("16", "32", 1)))]
    assert more[:16] == first and len(more) == 32


def test_a_hypercube_has_one_point_in_every_slice_of_every_field(tmp_path: Path) -> None:
    runs = asked(write(tmp_path, "latin-hypercube", FIELDS))
    slices = sorted(int(16 * math.log10(drawn(run)[2] / 1e-3) / 2) for run in runs)
    assert slices == list(range(16))


def test_whole_numbers_are_as_likely_at_the_ends_as_between() -> None:
    widths = Range(low=8, high=32, step=8)
    found = [widths.at((i + 0.5) / 1000, whole=True) for i in range(1000)]
    assert {width: found.count(width) for width in found} == {8: 250, 16: 250, 24: 250, 32: 250}


def test_a_range_in_the_logarithm_has_as_many_in_each_decade() -> None:
    rates = Range(low=1e-3, high=1e-1, log=True)
    assert rates.at(0.5, whole=False) == 0.01
    assert (rates.at(0.0, whole=False), rates.at(1.0, whole=False)) == (1e-3, 1e-1)


def test_sizes_are_one_more_choice_and_levels_train_each_draw(tmp_path: Path) -> None:
    more = 'horizon = "flops"\nlevels = [3e7, 6e7]\ndraws = 4\n'
    more += '[design.fields]\n"train.learning_rate" = [0.01, 0.02]\nseed = { low = 0, high = 9 }\n'
    runs = asked(write(tmp_path, "random", more, sizes=True))
    assert [run.level for run in runs] == [3e7] * 4 + [6e7] * 4
    assert {run.size for run in runs} == {"small", "large"}
    for first, second in zip(runs[:4], runs[4:], strict=True):
        assert first.config.model == second.config.model and first.config.seed_init == second.config.seed_data
        assert (first.config.train.flops, second.config.train.flops) == (3e7, 6e7)


def test_a_list_is_trained_point_by_point(tmp_path: Path) -> None:
    points = """points = [
  { size = "small", tokens = 2000 },
  { size = "large", flops = 3e7, seed = 3, "train.learning_rate" = 0.5 },
  { size = "small", tokens_per_param = 5, d_model = 12 },
]
"""
    one, two, three = asked(write(tmp_path, "list", points, sizes=True))
    assert (one.config.train.tokens, one.level, one.size, one.config.model.d_model) == (2000, 2000, "small", 4)
    assert (two.config.train.flops, two.config.seed_init, two.config.seed_data) == (3e7, 3, 3)
    assert two.config.train.learning_rate == 0.5
    assert (three.config.train.tokens_per_param, three.config.model.d_model) == (5, 12)


def test_axes_cross_drawn_points_too(tmp_path: Path) -> None:
    path = write(tmp_path, "list", "points = [{ d_model = 4, tokens = 2000 }, { d_model = 8, tokens = 2000 }]\n")
    path.write_text(path.read_text() + "\n[axes]\nseed = [0, 1, 2]\n")
    assert [(run.size, run.config.seed_init) for run in asked(path)] == [
        ("p1", 0), ("p2", 0), ("p1", 1), ("p2", 1), ("p1", 2), ("p2", 2),
    ]  # fmt: skip


def test_a_plan_of_a_list_has_its_design_and_no_budget(tmp_path: Path) -> None:
    plan, corpus = planned(write(tmp_path, "list", "points = [{ d_model = 4, flops = 3e7 }]\n"))
    (run,) = plan.runs
    assert run.design == "list" and math.isnan(run.budget)
    assert plan.manifest(corpus)["definition"]["design"]["points"] == [{"d_model": 4, "flops": 3e7}]


def test_points_that_vary_n_and_d_are_judged_as_a_law(tmp_path: Path) -> None:
    points = "points = [{ d_model = 4, tokens = 2000 }, { d_model = 8, tokens = 4000 }]\n"
    few, spread = said(write(tmp_path, "list", points))
    assert "2 points of N and D" in few and "design.points" in spread
    assert said(write(tmp_path, "random", FIELDS)) == []


@pytest.mark.parametrize(
    ("kind", "more", "sentence"),
    [
        ("random", "levels = [1e6]\n", r"design\.draws is missing"),
        ("random", "draws = 0\n", r"design\.draws = 0"),
        ("random", "draws = 4\n", r"design\.fields is missing or empty"),
        ("random", "draws = 4\npoints = []\n", r'design\.points is given with design\.type = "random"'),
        (
            "isoflop",
            "levels = [3e7]\ndraws = 4\n",
            r'design\.draws is given with design\.type = "isoflop", which has lev',
        ),
        ("isoflop", "levels = [3e7]\n", r"\[sizes\] is missing"),
        ("random", "draws = 4\n[design.fields]\nd_model = [4, 8]\n", r"design\.fields has 0 horizons; a run has one"),
        ("random", "draws = 4\nlevels = [1e6]\nfields = { d_model = [4] }\n", r"design\.levels and design\.horizon go"),
        (
            "random",
            "draws = 4\nfields = { d_model = [], tokens = [1000] }\n",
            r'"d_model" = \[\]: it should be a range',
        ),
        ("random", "draws = 4\nfields = { d_model = 4, tokens = [1000] }\n", r'"d_model" = 4: it should be a range'),
        (
            "random",
            "draws = 4\nfields = { tokens = { low = 9, high = 9 } }\n",
            r'"tokens": low = 9 is not below high = 9',
        ),
        ("random", "draws = 4\nfields = { tokens = { low = 9 } }\n", r'"tokens": the key high is missing'),
        ("random", "draws = 4\nfields = { tokens = { low = 0, high = 9, log = true } }\n", r"needs numbers above 0"),
        (
            "random",
            "draws = 4\nfields = { tokens = { low = 1, high = 9, step = 8 } }\n",
            r"step = 8 has fewer than two",
        ),
        (
            "random",
            "draws = 4\nfields = { tokens = { low = 1, hi = 9 } }\n",
            r'"tokens": unknown key hi = 9; did you mean high',
        ),
        ("random", "draws = 4\nfields = { tokens = [1000], d_modle = [4] }\n", r"unknown key model\.d_modle"),
        (
            "random",
            'draws = 4\nfields = { tokens = [1000], size = ["x"] }\n',
            r"design names the size 'x'; the sizes are",
        ),
        (
            "random",
            'draws = 4\nfields = { tokens = [9], "execution.threads" = [1, 2] }\n',
            r"execution\.threads: how a run is",
        ),
        (
            "list",
            'points = [{ tokens = 9, "train.steps" = 2 }]\n',
            r"points\[0\]: train\.steps is given, but the horizon co",
        ),
        ("list", "points = [{ tokens = 9 }]\n[sizes]\np1 = { d_model = 8 }\n", r"\[sizes\] has 'p1', which is how the"),
        ("list", "points = []\n", r"design\.points is missing or empty"),
        (
            "list",
            "points = [{ d_model = 4 }]\n",
            r"design\.points\[0\] has 0 horizons; it should have one of flops, tok",
        ),
        (
            "list",
            'points = [{ tokens = "many" }]\n',
            r"design\.points\[0\]: tokens = 'many': it should be a number above",
        ),
        ("list", 'points = [{ tokens = 10_000, size = "x" }]\n', r"design names the size 'x'; the sizes are none"),
    ],
)
def test_a_wrong_design_is_refused_in_a_sentence(tmp_path: Path, kind: str, more: str, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence) as refusal:
        asked(write(tmp_path, kind, more))
    assert "tiny.toml" in str(refusal.value) and "\n" not in str(refusal.value)


def test_seeds_and_rates_of_drawn_points_are_axes(tmp_path: Path) -> None:
    path = write(tmp_path, "random", FIELDS)
    path.write_text(path.read_text() + '\n[[replicates]]\nlevel = 1000\nsize = "p1"\nseeds = [1]\n')
    with pytest.raises(BadInput, match="replicates and rate_checks train points of an isoflop, grid or ladder"):
        asked(path)
