"""A definition expands to exactly the runs it names, and is refused in a sentence when it cannot."""

from pathlib import Path

import pytest

from tests.runner.definitions import write_sweep
from workbench.errors import BadInput
from workbench.runner.definition import Asked, expand, read_definition


def asked(path: Path) -> list[Asked]:
    return expand(read_definition(path), str(path), vocab_size=257)


def test_isoflop_is_budgets_times_sizes(tmp_path: Path) -> None:
    runs = asked(write_sweep(tmp_path))
    assert [(run.level, run.size, run.role) for run in runs] == [
        (3e7, "small", "grid"), (3e7, "large", "grid"), (6e7, "small", "grid"), (6e7, "large", "grid"),
    ]  # fmt: skip
    assert [run.config.train.flops for run in runs] == [3e7, 3e7, 6e7, 6e7]
    assert {run.config.model.vocab_size for run in runs} == {257}


def test_a_level_may_name_its_own_sizes(tmp_path: Path) -> None:
    path = write_sweep(tmp_path)
    path.write_text(path.read_text().replace("[3e7, 6e7]", '[{ level = 3e7, sizes = ["small"] }, 6e7]'))
    assert [(run.level, run.size) for run in asked(path)] == [(3e7, "small"), (6e7, "small"), (6e7, "large")]


def test_grid_levels_are_tokens_and_ladder_levels_are_ratios(tmp_path: Path) -> None:
    path = write_sweep(tmp_path)
    text = path.read_text()
    path.write_text(text.replace("isoflop", "grid").replace("[3e7, 6e7]", "[1000, 2000]"))
    assert [run.config.train.tokens for run in asked(path)] == [1000, 1000, 2000, 2000]
    path.write_text(text.replace("isoflop", "ladder").replace("[3e7, 6e7]", "[10, 20.5]"))
    assert [run.config.train.tokens_per_param for run in asked(path)] == [10, 10, 20.5, 20.5]


def test_axes_vary_any_field(tmp_path: Path) -> None:
    path = write_sweep(tmp_path, '\n[axes]\n"model.position" = ["rope", "learned"]\nseed = [0, 1, 2]\n')
    runs = asked(path)
    assert len(runs) == 4 * 2 * 3
    assert {(run.config.model.position, run.config.seed_init, run.config.seed_data) for run in runs} == {
        (position, seed, seed) for position in ("rope", "learned") for seed in (0, 1, 2)
    }


def test_a_size_may_carry_any_field(tmp_path: Path) -> None:
    path = write_sweep(tmp_path)
    path.write_text(path.read_text().replace("d_model = 8 }", 'd_model = 8, "train.learning_rate" = 0.25 }'))
    assert [run.config.train.learning_rate for run in asked(path)] == [None, 0.25, None, 0.25]


def test_replicates_and_rate_checks_are_marked(tmp_path: Path) -> None:
    more = '[[replicates]]\nlevel = 3e7\nsize = "small"\nseeds = [1, 2]\n'
    more += '[[rate_checks]]\nlevels = [6e7]\nsizes = ["large"]\n'
    extra = asked(write_sweep(tmp_path, more))[4:]
    assert [(run.role, run.config.seed_data, run.config.train.rate_factor) for run in extra] == [
        ("seed", 1, 1.0), ("seed", 2, 1.0), ("rate", 0, 0.5), ("rate", 0, 2.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("isoflop", "isoflops", r"design\.type = 'isoflops': it should be 'isoflop', 'grid', 'ladder', "),
        ("[design]", "[desing]", r"unknown key desing|the key design is missing"),
        ("levels = [3e7, 6e7]", "levels = []", r"design\.levels"),
        ("batch_tokens = 64", "batch_token = 64", r"size small: unknown key train\.batch_token = 64"),
        ("d_model = 4", 'd_model = "wide"', r"size small: model\.d_model = 'wide': it should be a whole number"),
        ("d_model = 4", "d_model = -4", r"size small: model: .*d_model"),
        ("eval_windows = 16", "tokens = 16", r"train\.tokens is given, but the horizon comes from design\.levels"),
        ('name = "tiny"', 'name = "../tiny"', r"sweep\.name = '\.\./tiny'"),
        ("[sweep]", "[sweep", r"not valid TOML"),
    ],
)
def test_a_bad_definition_is_refused_in_a_sentence(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    path = write_sweep(tmp_path)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(BadInput, match=sentence) as refusal:
        asked(path)
    assert "tiny.toml" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_missing_and_an_empty_definition_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"absent\.toml: no such file"):
        read_definition(tmp_path / "absent.toml")
    (tmp_path / "empty.toml").write_text("\n")
    with pytest.raises(BadInput, match=r"empty\.toml: the file is empty"):
        read_definition(tmp_path / "empty.toml")


def test_extras_must_name_sizes_and_levels_of_the_design(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"replicates names the size 'medium'; the sizes are small, large"):
        asked(write_sweep(tmp_path, '[[replicates]]\nlevel = 3e7\nsize = "medium"\nseeds = [1]\n'))
    with pytest.raises(BadInput, match=r"need a level of the design; 5e\+07 is not one of 3e\+07, 6e\+07"):
        asked(write_sweep(tmp_path, '[[rate_checks]]\nlevels = [5e7]\nsizes = ["small"]\n'))


def test_variants_are_named_changes_at_points_and_rates_of_their_own(tmp_path: Path) -> None:
    more = '[axes]\nseed = [0, 1]\n[variants]\nlevels = [640, 1280]\nsizes = ["small"]\nrate_factors = [1, 2]\n'
    more += '[variants.changes]\nbaseline = {}\nmuon = { "train.optimizer" = "muon" }\n'
    runs = [run for run in asked(write_sweep(tmp_path, more)) if run.role == "variant"]
    assert [(run.variant, run.level, run.config.train.rate_factor) for run in runs] == [
        (name, level, factor) for name in ("baseline", "muon") for level in (640, 1280) for factor in (1.0, 2.0)
    ]
    assert [run.config.train.optimizer for run in runs] == 4 * ["adamw"] + 4 * ["muon"]
    assert all(run.config.train.tokens == run.level and run.config.seed_data == 0 for run in runs)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ('[axes]\n"train.flops" = [1e8]\n', r"axes: train\.flops is given, but the horizon comes from design\.levels"),
        ('[axes]\n"train.tokens" = [4000]\n', r"axes: train\.tokens is given, but the horizon comes from"),
        ('[axes]\n"train.steps" = [40]\n', r"axes: train\.steps is given, but the horizon comes from"),
        ('[sizes.third]\nd_model = 8\n"train.flops" = 1e8\n', r"sizes\.third: train\.flops is given, but the horizon"),
        ("[sizes.third]\nd_model = 8\ntokens = 4000\n", r"sizes\.third: tokens is given, but the horizon"),
        (
            '[variants]\nlevels = [640]\nsizes = ["small"]\n[variants.changes.long]\n"train.tokens" = 4000\n',
            r"variants\.changes\.long: train\.tokens is given, but the horizon comes from variants\.levels",
        ),
        ('[axes]\n"corpus.source" = ["python"]\n', r"axes: corpus\.source: the runs of a sweep share one corpus"),
        ('[axes]\n"corpus.max_bytes" = [100]\n', r"axes: corpus\.max_bytes: the runs of a sweep share one corpus"),
        ('[sizes.third]\nd_model = 8\n"execution.threads" = 2\n', r"sizes\.third: execution\.threads: how a run is ex"),
        ("[axes]\nn_layer = [1, 2]\n", r'axes: n_layer has no table; did you mean "model\.n_layer"\?'),
        ("[axes]\nlearning_rate = [1e-3]\n", r'did you mean "train\.learning_rate"\?'),
    ],
)
def test_neither_axes_nor_sizes_nor_changes_set_what_is_the_designs(tmp_path: Path, more: str, sentence: str) -> None:
    """Else a row would have one budget and other FLOPs, or an axis would be said and not trained."""
    with pytest.raises(BadInput, match=sentence):
        asked(write_sweep(tmp_path, "\n" + more))
