"""The options that choose a backend, where they are wrong: one sentence, before anything is prepared or trained."""

import socket
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


def test_a_ray_address_where_nobody_answers_is_refused_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray itself would try for minutes."""
    monkeypatch.setattr("workbench.runner.extras.check_installed", lambda _: None)
    with socket.socket() as nobody:  # bound, and not listening
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        options = ("sweep", "run", write_sweep(tmp_path), "--store", tmp_path / "store", "--backend", "ray")
        sentence = (
            f"--ray-address {address}: no Ray cluster can be reached there (Connection refused); give the HOST:PORT"
        )
        assert sentence in refused(capsys, *options, "--ray-address", address)
        monkeypatch.setenv("RAY_ADDRESS", address)
        assert sentence in refused(capsys, *options)
    assert not (tmp_path / "store").exists()
