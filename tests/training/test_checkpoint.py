"""Checkpoints come back exactly, or are refused."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError

from workbench.errors import BadInput
from workbench.training import checkpoint


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


def test_a_flipped_bit_is_refused(tmp_path: Path) -> None:
    made(tmp_path)
    weights = tmp_path / "1" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(bytes(content))
    with pytest.raises(BadInput, match=r"model\.safetensors: its SHA-256 is not"):
        checkpoint.read_state(tmp_path / "1")


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
    assert set(state["sha256"]) == {"model.safetensors", "optimizer.safetensors"}
