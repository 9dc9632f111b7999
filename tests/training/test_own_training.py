"""References: our decoder trained as itself, and the same run uninterrupted."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.training.test_resume import assert_equal, in_two_parts, stop_after
from tests.training.tiny import tiny_run
from workbench.corpus.shards import Corpus
from workbench.errors import Stopped
from workbench.models.own import import_models, pinned
from workbench.training.config import RunConfig
from workbench.training.executed import flops_executed
from workbench.training.horizon import resolve
from workbench.training.identity import determinants, run_id
from workbench.training.memory import step_bytes
from workbench.training.packable import pack_key
from workbench.training.train import train

MODELS = str(Path(__file__).parents[1] / "models" / "own_models.py")


@pytest.fixture(autouse=True)
def own_models() -> None:
    import_models([MODELS])


def own_run(corpus: Corpus, architecture: str, **fields: Any) -> RunConfig:
    short = {"steps": 6, "batch_tokens": 64, "eval_windows": 4}
    execution = {"eval_points": 1, "log_points": 6, **fields.pop("execution", {})}
    model = {"architecture": architecture, **fields.pop("model", {})}
    config = tiny_run(corpus, model=model, execution=execution, **{**short, **fields})
    return config.model_copy(update={"model": pinned(config.model)})


def as_ours(config: RunConfig) -> RunConfig:
    model = config.model.model_copy(update={"architecture": "decoder", "fingerprint": ""})
    return config.model_copy(update={"model": model})


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"optimizer": "lion", "precision": "bf16"},
        {"optimizer": "adamw-8bit", "sam_radius": 0.05, "model": {"dropout": 0.1}},
        {"optimizer": "sgd", "execution": {"micro_batch": 2}, "z_loss": 1e-4, "schedule": "wsd"},
    ],
    ids=str,
)
def test_a_wrapped_decoder_trains_as_ours_does(corpus: Corpus, tmp_path: Path, fields: dict[str, Any]) -> None:
    config = own_run(corpus, "wrapped", **fields)
    theirs, ours = train(config, corpus, tmp_path / "theirs"), train(as_ours(config), corpus, tmp_path / "ours")
    assert resolve(config) == resolve(as_ours(config))
    assert_equal(theirs, ours)


@pytest.mark.parametrize("at", [1, 5])
@pytest.mark.parametrize(
    ("architecture", "fields"),
    [
        ("counting", {}),
        ("counting", {"optimizer": "lion", "precision": "fp16", "execution": {"micro_batch": 3}}),
        ("over-windows", {"sam_radius": 0.05}),
        ("tied", {"optimizer": "sgd"}),
        ("views", {}),
        ("partly-trained", {}),
        ("partly-trained", {"optimizer": "lion", "precision": "fp16"}),
        ("partly-trained", {"optimizer": "adamw-8bit", "sam_radius": 0.05, "execution": {"micro_batch": 3}}),
        ("lstm", {"optimizer": "adamw-8bit", "precision": "bf16"}),
    ],
)
def test_resume_is_bitwise_buffers_included(
    corpus: Corpus, tmp_path: Path, architecture: str, fields: dict[str, Any], at: int
) -> None:
    config = own_run(corpus, architecture, **fields)
    parts, whole = in_two_parts(config, corpus, tmp_path / "parts", at), train(config, corpus, tmp_path / "whole")
    assert_equal(parts, whole)
    assert all(torch.equal(a, b) for a, b in zip(parts.model.buffers(), whole.model.buffers(), strict=True))


def test_a_checkpoint_holds_the_buffers_and_a_tied_weight_once(corpus: Corpus, tmp_path: Path) -> None:
    for architecture, kept in (
        ("counting", {"embedding.weight", "head.weight", "head.bias", "middle.calls"}),
        ("tied", {"embedding.weight"}),
    ):
        folder = tmp_path / architecture
        with pytest.raises(Stopped):
            train(own_run(corpus, architecture), corpus, folder, stop=stop_after(2))
        weights = load_file(folder / "2" / "model.safetensors")
        assert set(weights) == {f"inner.{name}" for name in kept}
    assert load_file(tmp_path / "counting" / "2" / "model.safetensors")["inner.middle.calls"].item() == 2


def test_the_id_follows_the_source_and_the_settings(corpus: Corpus) -> None:
    def identify(config: RunConfig) -> str:
        return run_id(config, resolve(config), "corpus")

    config = own_run(corpus, "bag")
    changed = config.model_copy(update={"model": config.model.model_copy(update={"fingerprint": "f" * 16})})
    wider = own_run(corpus, "bag", model={"settings": {"hidden": 9}})
    known = resolve(config)
    assert run_id(config, known, "corpus") != run_id(changed, known, "corpus")
    assert identify(config) != identify(wider)
    assert identify(config) == identify(own_run(corpus, "bag", model={"settings": {"hidden": 8}}))
    assert determinants(config, known, "corpus")["model"]["fingerprint"] == config.model.fingerprint


def test_a_registered_model_trains_alone_and_has_its_memory_estimated(corpus: Corpus) -> None:
    config = own_run(corpus, "bag")
    assert pack_key(config, resolve(config)) is None
    small, large = step_bytes(config, 4), step_bytes(config, 8)
    assert 0 < large - small < 10 * 4 * 16 * 4 * (5 * 8 + 3 * 257)  # a few times what a window's numbers take
    plain, sam = (flops_executed(own_run(corpus, "bag", sam_radius=r), resolve(config)) for r in (0.0, 0.1))
    assert (plain, sam) == (resolve(config).flops, 2 * resolve(config).flops)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"optimizer": "muon"}, "muon.* must know which matrices are hidden ones"),
        ({"adversarial": "fgm"}, "moves the decoder's token embeddings"),
        ({"execution": {"activation_checkpointing": True}}, "recomputes the decoder's blocks"),
        ({"execution": {"chunked_loss": True}}, "takes the decoder's head apart"),
    ],
)
def test_what_needs_the_insides_of_a_decoder_is_refused(corpus: Corpus, fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"model.architecture = 'bag': .*{sentence}"):
        own_run(corpus, "bag", **fields)


def test_a_diverged_run_says_so(corpus: Corpus, tmp_path: Path) -> None:
    outcome = train(own_run(corpus, "bag", optimizer="sgd", learning_rate=1e30, clip=0.0), corpus, tmp_path)
    assert outcome.status == "diverged"
