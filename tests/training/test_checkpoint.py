"""Checkpoints come back exactly, or are refused."""

import itertools
import json
import os
import random
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError

from tests.training.tiny import tiny_run
from workbench.corpus.shards import Corpus
from workbench.errors import BadInput, Stopped
from workbench.training import checkpoint
from workbench.training.train import train
from workbench.training.train_pack import train_pack


def step_once(model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    model(torch.ones(2, 3)).sum().backward()
    optimizer.step()


def made(folder: Path) -> tuple[torch.nn.Module, torch.optim.Optimizer]:
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    step_once(model, optimizer)
    checkpoint.save(folder, 1, model, optimizer, {"rows": [{"loss": float("nan")}]})
    return model, optimizer


def test_weights_and_moments_come_back_bit_for_bit(tmp_path: Path) -> None:
    model, optimizer = made(tmp_path)
    twin = torch.nn.Linear(3, 2)
    twin_optimizer = torch.optim.AdamW(twin.parameters(), fused=True)
    newest = checkpoint.latest(tmp_path)
    assert newest is not None
    checkpoint.restore(newest, twin, twin_optimizer)
    step_once(model, optimizer)
    step_once(twin, twin_optimizer)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), twin.parameters(), strict=True))


def test_only_the_newest_checkpoint_is_kept_and_a_half_written_one_is_not_seen(tmp_path: Path) -> None:
    model, optimizer = made(tmp_path)
    checkpoint.save(tmp_path, 2, model, optimizer, {})
    (tmp_path / ".3.99.tmp").mkdir()
    os.utime(tmp_path / ".3.99.tmp", (0, 0))  # no living process is at it
    assert checkpoint.latest(tmp_path) == tmp_path / "2"
    checkpoint.save(tmp_path, 3, model, optimizer, {})
    assert [path.name for path in tmp_path.iterdir()] == ["3"]


def test_the_same_step_again_leaves_the_checkpoint_untouched(tmp_path: Path) -> None:
    model, optimizer = made(tmp_path)
    before = (tmp_path / "1" / "state.json").stat().st_ino
    checkpoint.save(tmp_path, 1, model, optimizer, {})
    assert (tmp_path / "1" / "state.json").stat().st_ino == before


def test_moments_that_are_not_there_yet_are_not_asked_for(tmp_path: Path) -> None:
    """fp16's loss scaling skips the first steps as a rule, and the optimizer then has no state."""
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    checkpoint.save(tmp_path, 1, model, optimizer, {})
    checkpoint.restore(tmp_path / "1", model, optimizer)
    assert not any(optimizer.state.values())


def test_a_full_disk_is_the_systems_own_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(BadInput, match="the disk is full; free some space"):
        made(tmp_path)


@pytest.fixture(scope="module", params=["run", "pack"])
def whole(request: pytest.FixtureRequest, corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint in the middle of a run, or of a pack of two, with weights, moments, state and half a curve."""
    folder = tmp_path_factory.mktemp(request.param)
    configs = [tiny_run(corpus, steps=4, execution={"log_points": 4}, seed_init=seed) for seed in (0, 1)]
    polls = itertools.count()
    with pytest.raises(Stopped):
        if request.param == "run":
            train(configs[0], corpus, folder, stop=lambda: next(polls) == 2)
        else:
            train_pack({"one": configs[0], "two": configs[1]}, corpus, folder, stop=lambda: next(polls) == 2)
    newest = checkpoint.latest(folder)
    assert newest is not None and checkpoint.read_state(newest)["step"] == 2
    return newest


def files(folder: Path) -> list[Path]:
    found = sorted(folder.iterdir())
    assert [file.name for file in found] == ["model.safetensors", "optimizer.safetensors", "state.json"]
    return found


def test_a_flipped_bit_is_refused_wherever_it_is(whole: Path) -> None:
    """Any bit of any file, the state and the checksums in it included: 120 of each file, and the first and last."""
    draws = random.Random(0)
    for file in files(whole):
        content = file.read_bytes()
        places = [0, len(content) - 1, *(draws.randrange(len(content)) for _ in range(120))]
        for place in places:
            bit = draws.randrange(8)
            flipped = bytearray(content)
            flipped[place] ^= 1 << bit
            file.write_bytes(flipped)
            with pytest.raises(BadInput, match=r"its SHA-256 is not|not a checkpoint's state"):
                checkpoint.read_state(whole)
        file.write_bytes(content)
    checkpoint.read_state(whole)


def test_every_byte_of_a_state_counts(tmp_path: Path) -> None:
    made(tmp_path)
    state = tmp_path / "1" / "state.json"
    content = state.read_bytes()
    for place in range(len(content)):
        flipped = bytearray(content)
        flipped[place] ^= 1
        state.write_bytes(flipped)
        with pytest.raises(BadInput):
            checkpoint.read_state(tmp_path / "1")


def test_a_truncated_or_absent_file_is_refused(whole: Path) -> None:
    for file in files(whole):
        content = file.read_bytes()
        for length in (0, 1, len(content) // 2, len(content) - 1):
            file.write_bytes(content[:length])
            with pytest.raises(BadInput):
                checkpoint.read_state(whole)
        file.unlink()
        with pytest.raises(BadInput):
            checkpoint.read_state(whole)
        file.write_bytes(content)


def test_a_state_of_before_it_had_a_checksum_is_read(tmp_path: Path) -> None:
    made(tmp_path)
    path = tmp_path / "1" / "state.json"
    state = json.loads(path.read_text())
    del state["sha256"]["state.json"]
    path.write_text(json.dumps(state))
    assert checkpoint.read_state(tmp_path / "1")["step"] == 1


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"sha256": 3}'])
def test_a_state_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    made(tmp_path)
    (tmp_path / "1" / "state.json").write_text(text)
    with pytest.raises(BadInput, match=r"state\.json: not a checkpoint's state"):
        checkpoint.read_state(tmp_path / "1")


def test_state_is_plain_json(tmp_path: Path) -> None:
    made(tmp_path)
    state = json.loads((tmp_path / "1" / "state.json").read_text())
    assert state["step"] == 1
    assert set(state["sha256"]) == {"state.json", "model.safetensors", "optimizer.safetensors"}
