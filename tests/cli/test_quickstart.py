"""The main job, end to end, on a sweep small enough for a test; and the promises of the real one's design."""

import json
import math
from pathlib import Path

import pytest

from tests.runner.definitions import write_sweep
from workbench.cli.main import main
from workbench.models.counts import count
from workbench.runner.definition import expand, read_definition
from workbench.training.horizon import resolve

SWEEPS = Path(__file__).parents[2] / "sweeps"


def test_it_trains_fits_reports_and_says_what_to_do_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_sweep(tmp_path).rename(tmp_path / "quickstart.toml")
    monkeypatch.setattr("workbench.cli.quickstart.files", lambda _: tmp_path)
    out = tmp_path / "out"
    with pytest.raises(SystemExit) as left:
        main(["quickstart", "--out", str(out), "--workers", "2", "--json"])
    assert left.value.code == 0
    said = json.loads(capsys.readouterr().out)
    assert said["runs"]["done"] == 4
    assert said["app"] == f"workbench app {out / 'store'}"
    assert all(Path(path).is_file() for path in said["report"].values())
    assert said["summary"] and said["seconds"] > 0


def test_the_real_one_keeps_its_promises_by_design() -> None:
    path = SWEEPS / "quickstart.toml"
    definition = read_definition(path)
    asked = expand(definition, str(path), vocab_size=257)
    grid = [run for run in asked if run.role == "grid"]
    budgets = sorted({run.level for run in grid})
    assert len(asked) >= 20
    assert len(budgets) >= 3
    assert math.log10(budgets[-1] / budgets[0]) >= 2
    for budget in budgets:
        sizes = [count(run.config.model).n_params for run in grid if run.level == budget]
        assert len(sizes) >= 4
        assert max(sizes) > 2 * min(sizes)
    assert len([run for run in asked if run.role == "seed"]) == 2  # beside the grid's own: three seeds
    rates = {(run.size, run.level, run.config.train.rate_factor) for run in asked if run.role == "rate"}
    assert len({size for size, *_ in rates}) == len({level for _, level, _ in rates}) == 2
    assert {factor for *_, factor in rates} == {0.5, 2.0} and len(rates) == 8
    assert max(resolve(run.config).tokens for run in asked) < 40e6  # the default corpus has 50 million bytes


@pytest.mark.parametrize("path", sorted(SWEEPS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_definition_here_is_valid(path: Path) -> None:
    definition = read_definition(path)
    assert definition.sweep.description
    assert expand(definition, str(path), definition.corpus.resolved_vocab_size)
