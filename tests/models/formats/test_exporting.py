"""Our models, written, then opened by `transformers`: the same logits, the same greedy text, and back again."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError

from tests.models.formats.theirs import assert_the_same, opened
from workbench.errors import BadInput
from workbench.generation import generate
from workbench.models.config import ModelConfig
from workbench.models.decoder import Decoder, build
from workbench.models.formats import from_hugging_face, to_hugging_face
from workbench.models.formats.table import FORMATS

GPT2 = {"position": "learned"}
LLAMA = {"norm": "rmsnorm", "activation": "swiglu", "bias": False}


def config(**fields: Any) -> ModelConfig:
    return ModelConfig(**({"n_layer": 2, "n_head": 4, "d_model": 16, "vocab_size": 37, "context": 32} | fields))


@torch.no_grad()
def ours(**fields: Any) -> Decoder:
    """A decoder with opinions: every parameter is drawn anew, wide, gains and biases too."""
    model, generator = build(config(**fields), 0), torch.Generator().manual_seed(0)
    for name, parameter in model.named_parameters():
        draw = torch.randn(parameter.shape, generator=generator)
        parameter.copy_(draw * 0.25 if parameter.ndim == 2 else draw * 0.2 + (not name.endswith("bias")))
    return model.eval()


@dataclass
class Ids:
    """A tokenizer, as far as a model's files know it."""

    vocab_size: int
    end_of_text: int | None

    def hugging_face_files(self, context: int) -> dict[str, Any]:
        return {"tokenizer_config.json": {"model_max_length": context}}


@pytest.mark.parametrize(
    ("model_type", "fields"),
    [
        ("gpt2", GPT2),
        ("gpt2", GPT2 | {"d_ff": 20, "activation": "gelu", "norm_epsilon": 1e-3, "tie_embeddings": False}),
        ("gpt2", GPT2 | {"n_head": 1, "activation": "relu", "dropout": 0.1, "init_std": 0.3}),
        ("llama", LLAMA),
        ("llama", LLAMA | {"n_kv_head": 2, "tie_embeddings": False, "rope_base": 500.0, "norm_epsilon": 1e-6}),
        ("llama", LLAMA | {"n_kv_head": 1, "d_head": 6, "d_ff": 20, "tie_embeddings": False}),
        ("llama", LLAMA | {"bias": True, "activation": "geglu", "rope_scaling": "linear", "rope_factor": 4.0}),
        ("llama", LLAMA | {"rope_scaling": "yarn", "rope_factor": 2.0, "rope_base": 100.0}),
        ("gpt_neox", {}),
        ("gpt_neox", {"activation": "gelu", "tie_embeddings": False, "rope_base": 500.0, "norm_epsilon": 1e-3}),
        ("gpt_neox", {"activation": "relu2", "rope_scaling": "linear", "rope_factor": 4.0}),
    ],
)
def test_what_is_exported_opens_and_comes_back(tmp_path: Path, model_type: str, fields: dict[str, Any]):
    model, folder = ours(**fields), tmp_path / "out"
    assert to_hugging_face(model, folder).model_type == model_type
    their_model = opened(folder)
    assert type(their_model).__name__ == FORMATS[model_type].architecture
    assert sum(parameter.numel() for parameter in their_model.parameters()) == sum(
        p.numel() for p in model.parameters()
    )
    assert_the_same(model, their_model)
    back = from_hugging_face(folder)
    assert back.config == model.config.model_copy(update={"dropout": 0.0})
    assert all(torch.equal(a, b) for a, b in zip(back.parameters(), model.parameters(), strict=True))


def test_a_folder_holds_these_files(tmp_path: Path):
    to_hugging_face(ours(), tmp_path / "out", Ids(vocab_size=37, end_of_text=36))
    names = ["config.json", "generation_config.json", "model.safetensors", "tokenizer_config.json"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    assert len({path.stat().st_mode for path in (tmp_path / "out").iterdir()}) == 1
    assert json.loads((tmp_path / "out/generation_config.json").read_text()) == {
        "bos_token_id": 36,
        "eos_token_id": 36,
        "pad_token_id": 36,
    }


def test_rows_without_text_are_never_generated(tmp_path: Path):
    model, prompts_BT = ours(tie_embeddings=False), torch.arange(24).view(8, 3)
    assert generate(model, prompts_BT, 29).max() >= 10
    to_hugging_face(model, tmp_path / "out", Ids(vocab_size=10, end_of_text=None))
    written_BS = opened(tmp_path / "out").generate(
        prompts_BT, attention_mask=torch.ones_like(prompts_BT), max_new_tokens=29, do_sample=False
    )
    assert torch.equal(written_BS[:, 3:], generate(model, prompts_BT, 29, vocab_size=10))


def test_end_of_text_ends_a_text(tmp_path: Path):
    model, prompt_BT = ours(tie_embeddings=False), torch.arange(3)[None]
    end = int(generate(model, prompt_BT, 1))
    to_hugging_face(model, tmp_path / "out", Ids(vocab_size=37, end_of_text=end))
    written_BS = opened(tmp_path / "out").generate(
        prompt_BT, attention_mask=torch.ones_like(prompt_BT), max_new_tokens=29, do_sample=False
    )
    assert written_BS.tolist() == [[0, 1, 2, end]]


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object, **__: object) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("workbench.models.formats.tensors.save_file", full)
    with pytest.raises(BadInput, match="the disk is full; free some space"):
        to_hugging_face(ours(), tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    to_hugging_face(ours(), tmp_path / "empty")
    for taken in (tmp_path, tmp_path / "empty/config.json"):
        with pytest.raises(BadInput, match=r"is there already; give a folder that does not exist yet"):
            to_hugging_face(ours(), taken)


def test_a_tokenizer_with_more_ids_than_the_model_is_refused(tmp_path: Path):
    with pytest.raises(BadInput, match=r"The tokenizer has 38 ids and the model's vocab_size is 37"):
        to_hugging_face(ours(), tmp_path / "out", Ids(38, None))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"position": "sinusoidal"},
            r"A model with position = 'sinusoidal' cannot be exported: "
            r"the nearest format of Hugging Face, GPT-2, needs position = 'learned'\.",
        ),
        ({"position": "alibi"}, "with position = 'alibi' cannot"),
        (GPT2 | {"norm_position": "post"}, r"norm_position = 'post' .* GPT-2, needs norm_position = 'pre'\."),
        (GPT2 | {"bias": False}, r"bias = False .* GPT-2, needs bias = True\."),
        (GPT2 | {"n_kv_head": 2}, r"n_kv_head = 2 .* GPT-2, needs n_kv_head = n_head = 4\."),
        (GPT2 | {"d_head": 6}, r"d_head = 6 .* GPT-2, needs d_head = d_model / n_head = 4\."),
        (GPT2 | {"activation": "swiglu"}, r"activation = 'swiglu' .* needs activation = 'gelu-tanh' or 'gelu' or "),
        (LLAMA | {"activation": "gelu"}, r"activation = 'gelu' .* Llama, needs activation = 'swiglu' or 'geglu'\."),
        (LLAMA | {"d_head": 4, "d_model": 18}, r"d_model = 18 .* Llama, needs d_model = a multiple of n_head = 4\."),
        (LLAMA | {"qkv_bias": True}, r"qkv_bias = True .* Llama, needs qkv_bias = bias = False\."),
        (LLAMA | {"qk_norm": True}, r"qk_norm = True .* Llama, needs qk_norm = False\."),
        (LLAMA | {"window": 8}, r"window = 8 .* Llama, needs window = None\."),
        (LLAMA | {"rope_scaling": "ntk", "rope_factor": 2.0}, r"'ntk' .* needs rope_scaling = 'none' or 'linear' or "),
        (LLAMA | {"rope_scaling": "yarn", "rope_factor": 3.0}, r"rope_factor = 3\.0 .* a divisor of context = 32\."),
        (LLAMA | {"rope_pairing": "interleaved"}, r"rope_pairing = 'interleaved' .* needs rope_pairing = 'half'\."),
        ({"norm": "rmsnorm", "activation": "relu"}, r"activation = 'relu' .* Llama, needs activation = 'swiglu' or"),
        ({"parallel": True}, r"parallel = True .* GPT-NeoX, needs parallel = False\."),
        (
            {"parameterisation": "mup", "base_width": 8},
            r"parameterisation = 'mup' and base_width = 8 .* parameterisation = 'standard' and base_width = None\.",
        ),
    ],
)  # fmt: skip
def test_what_no_format_holds_is_named(tmp_path: Path, fields: dict[str, Any], sentence: str):
    with pytest.raises(BadInput, match=sentence) as refused:
        to_hugging_face(build(config(**fields), 0), tmp_path / "out")
    assert "\n" not in str(refused.value) and not list(tmp_path.iterdir())


@pytest.mark.parametrize("model_type", FORMATS)
def test_every_field_that_a_format_speaks_of_is_one(model_type: str):
    kind = FORMATS[model_type]
    assert kind.needs.keys() | kind.holds <= ModelConfig.model_fields.keys()
    assert not kind.needs.keys() & kind.holds
