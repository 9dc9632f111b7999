"""The options that choose a backend, where they are wrong: one sentence, before anything is prepared or trained."""

import sys
from pathlib import Path

import pytest

from tests.cli.test_bad_input import refused
from tests.runner.definitions import write_sweep


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--ray-address", "auto"], "--ray-address is for --backend ray; with local leave it out"),
        (["--backend", "ray", "--slurm", "partition=a"], "--slurm is for --backend slurm; with ray leave it out"),
        (["--backend", "slurm", "--slurm", "partiton=a"], "--slurm partiton: no such option; there are account, "),
    ],
)
def test_options_of_another_backend_and_unknown_ones_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    assert sentence in refused(capsys, "sweep", "run", write_sweep(tmp_path), "--store", tmp_path / "store", *options)
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(("backend", "library"), [("ray", "ray"), ("slurm", "submitit")])
def test_a_library_that_is_not_installed_is_named_with_the_command_that_installs_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, backend: str, library: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    sentence = refused(capsys, "sweep", "run", write_sweep(tmp_path), "--backend", backend)
    assert f"{library} is not installed; pip install 'scaling-law-workbench[{backend}]'" in sentence
