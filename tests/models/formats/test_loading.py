"""Checkpoints that `transformers` wrote, against `transformers`' own logits and greedy text."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.models.formats.theirs import assert_the_same, theirs, transformers
from workbench.errors import BadInput
from workbench.models.formats import from_hugging_face

YARN = {"rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": 16}


def saved(folder: Path, model_type: str, **settings: Any) -> Any:
    model = theirs(model_type, **settings)
    model.save_pretrained(folder)
    return model


def edit(folder: Path, **changes: Any) -> None:
    """Keys of config.json put in, or taken out by None."""
    path = folder / "config.json"
    document = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in document.items() if value is not None}))


def edit_weights(folder: Path, **changes: Any) -> None:
    path = folder / "model.safetensors"
    weights = load_file(path) | changes
    save_file({name: tensor for name, tensor in weights.items() if tensor is not None}, path)


@pytest.mark.parametrize(
    ("model_type", "settings"),
    [
        ("gpt2", {}),
        ("gpt2", {"n_inner": 20, "activation_function": "gelu", "layer_norm_epsilon": 1e-3}),
        ("gpt2", {"n_head": 1, "activation_function": "relu", "tie_word_embeddings": False}),
        ("llama", {}),
        ("llama", {"num_key_value_heads": 2, "tie_word_embeddings": True, "rope_theta": 500.0}),
        ("llama", {"num_key_value_heads": 1, "head_dim": 6, "rms_norm_eps": 1e-3}),
        ("llama", {"attention_bias": True, "mlp_bias": True, "hidden_act": "gelu_new"}),
        ("llama", {"rope_scaling": {"rope_type": "linear", "factor": 4.0}}),
        ("llama", {"rope_scaling": YARN, "rope_theta": 100.0}),
        ("gpt_neox", {}),
        ("gpt_neox", {"rotary_emb_base": 500.0, "hidden_act": "gelu_new", "tie_word_embeddings": True}),
    ],
)
def test_logits_and_greedy_text_are_theirs(tmp_path: Path, model_type: str, settings: dict[str, Any]):
    model = saved(tmp_path, model_type, **settings)
    assert_the_same(from_hugging_face(tmp_path), model)


@pytest.mark.parametrize("model_type", ["gpt2", "llama"])
def test_shards_are_one_model(tmp_path: Path, model_type: str):
    model = theirs(model_type)
    model.save_pretrained(tmp_path, max_shard_size="4KB")
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 2
    assert_the_same(from_hugging_face(tmp_path), model)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_read_as_float32(tmp_path: Path, dtype: torch.dtype):
    theirs("llama").to(dtype).save_pretrained(tmp_path)
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    ours = from_hugging_face(tmp_path)
    assert {parameter.dtype for parameter in ours.parameters()} == {torch.float32}
    assert_the_same(ours, model)


def test_the_older_way_to_write_rope_is_read(tmp_path: Path):
    model = saved(tmp_path, "llama", rope_theta=500.0, rope_scaling={"rope_type": "linear", "factor": 4.0})
    edit(tmp_path, rope_parameters=None, rope_theta=500.0, rope_scaling={"type": "linear", "factor": 4.0})
    assert_the_same(from_hugging_face(tmp_path), model)


def test_keys_left_out_have_their_defaults(tmp_path: Path):
    model = saved(tmp_path, "gpt2", n_layer=12, n_head=12, n_embd=24)
    edit(tmp_path, n_layer=None, n_head=None, activation_function=None, layer_norm_epsilon=None, n_inner=None)
    assert_the_same(from_hugging_face(tmp_path), model)


@pytest.mark.parametrize("model_type", ["gpt2", "llama"])
def test_a_file_of_the_body_alone_has_names_without_a_prefix(tmp_path: Path, model_type: str):
    model = theirs(model_type, tie_word_embeddings=True)
    model.base_model.save_pretrained(tmp_path)
    assert_the_same(from_hugging_face(tmp_path), model)


def test_what_old_files_hold_beside_weights_is_left_alone(tmp_path: Path):
    model = saved(tmp_path, "gpt2")
    mask = torch.ones(1, 1, 32, 32, dtype=torch.bool).tril()
    head = model.lm_head.weight.detach().clone()
    edit_weights(tmp_path, **{"transformer.h.0.attn.bias": mask, "lm_head.weight": head})
    assert_the_same(from_hugging_face(tmp_path), model)


def test_it_can_be_trained_on(tmp_path: Path):
    saved(tmp_path, "llama")
    model = from_hugging_face(tmp_path)
    model(torch.zeros(1, 3, dtype=torch.long)).square().mean().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize(
    ("model_type", "changes", "sentence"),
    [
        ("llama", {"model_type": "mamba"}, r"model_type = 'mamba': only gpt2, llama, gpt_neox can be loaded"),
        ("llama", {"model_type": None}, r"model_type = None: only gpt2"),
        ("llama", {"hidden_size": None}, r"config\.json: the key hidden_size is missing"),
        ("llama", {"hidden_size": "16"}, r"hidden_size = '16': it should be a whole number"),
        ("llama", {"rms_norm_eps": True}, r"rms_norm_eps = True: it should be a number"),
        ("llama", {"mlp_bias": 1}, r"mlp_bias = 1: it should be true or false"),
        ("llama", {"hidden_act": "gelu"}, r"hidden_act = 'gelu': of llama only silu or swish or gelu_new or"),
        ("llama", {"attention_bias": True}, r"attention_bias = True: it should be as mlp_bias = False"),
        ("llama", {"num_key_value_heads": 3}, r"n_kv_head = 3 does not divide n_head = 4"),
        ("llama", {"quantization_config": {"bits": 4}}, r"quantization_config = .*: of llama only null can be loaded"),
        ("llama", {"rope_parameters": 3}, r"rope_parameters = 3: it should be an object"),
        ("llama", {"rope_parameters": {"rope_type": "llama3"}}, r"rope_type = 'llama3': .* default or linear or yarn"),
        ("llama", {"rope_parameters": {"rope_type": "linear"}}, r"the key rope_parameters\.factor is missing"),
        ("llama", {"rope_parameters": YARN | {"beta_fast": 8}}, r"rope_parameters\.beta_fast = 8: .* only 32 can"),
        ("llama", {"rope_parameters": YARN | {"factor": 4.0}}, r"= 16: times the factor 4 it should be .* = 32"),
        ("llama", {"rope_parameters": YARN | {"attention_factor": 2.0}}, r"= 2\.0: with this factor only 1\.069315"),
        ("gpt_neox", {"use_parallel_residual": True}, r"use_parallel_residual = True: of gpt_neox only false can"),
        ("gpt_neox", {"rope_parameters": {"partial_rotary_factor": 0.25}}, r"parameters\.partial_rotary_factor = 0"),
        ("gpt_neox", {"rope_parameters": None}, r"rotary_pct = 0\.25: of gpt_neox only 1\.0 can be loaded"),
        ("gpt2", {"activation_function": "quick_gelu"}, r"activation_function = 'quick_gelu': of gpt2 only gelu_new "),
        ("gpt2", {"scale_attn_by_inverse_layer_idx": True}, r"inverse_layer_idx = True: of gpt2 only false can"),
        ("gpt2", {"n_embd": 18}, r"config\.json: .*d_model = 18 is not divisible by n_head = 4"),
        ("gpt2", {"n_positions": 64}, r"wpe\.weight is \(32, 16\); by config\.json it should be \(64, 16\)"),
        ("gpt2", {"n_layer": 3}, r"the tensor transformer\.h\.2\.ln_1\.weight is missing"),
        ("gpt2", {"n_layer": 1}, r"the tensor transformer\.h\.1\.\S+ and 11 more has no place in the GPT-2"),
        ("gpt2", {"tie_word_embeddings": False}, r"the tensor lm_head\.weight is missing"),
    ],
)  # fmt: skip
def test_what_ours_cannot_be_is_one_sentence(tmp_path: Path, model_type: str, changes: dict[str, Any], sentence: str):
    saved(tmp_path, model_type)
    edit(tmp_path, **changes)
    with pytest.raises(BadInput, match=sentence) as refused:
        from_hugging_face(tmp_path)
    assert str(refused.value).startswith(str(tmp_path)) and "\n" not in str(refused.value)


def test_a_head_that_should_be_tied_and_is_not_is_refused(tmp_path: Path):
    saved(tmp_path, "llama")
    edit(tmp_path, tie_word_embeddings=True)
    with pytest.raises(BadInput, match=r"tie_word_embeddings = true, but the tensor lm_head\.weight is not the token"):
        from_hugging_face(tmp_path)


def test_a_pickle_is_never_opened(tmp_path: Path):
    saved(tmp_path, "gpt2")
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(BadInput, match=r"the weights are in pytorch_model\.bin, a pickle, which can run any code"):
        from_hugging_face(tmp_path)


def test_quantised_weights_are_refused(tmp_path: Path):
    saved(tmp_path, "gpt2")
    edit_weights(tmp_path, **{"transformer.wte.weight": torch.zeros(37, 16, dtype=torch.int8)})
    with pytest.raises(
        BadInput, match=r"the tensor transformer\.wte\.weight is stored as I8; quantised weights cannot"
    ):
        from_hugging_face(tmp_path)


def test_folders_that_are_none(tmp_path: Path):
    with pytest.raises(BadInput, match=r"^gpt2: no such folder; give one on this machine, nothing is downloaded"):
        from_hugging_face("gpt2")
    with pytest.raises(BadInput, match=r"config\.json: no such file; give a folder in Hugging Face's layout"):
        from_hugging_face(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(BadInput, match=r"config\.json: not valid JSON"):
        from_hugging_face(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(BadInput, match=r"config\.json: holds \[\]; it should hold a JSON object"):
        from_hugging_face(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    with pytest.raises(BadInput, match=r"no weights; it should hold model\.safetensors, or model\.safetensors\.index"):
        from_hugging_face(tmp_path)
    (tmp_path / "model.safetensors").write_text("no")
    with pytest.raises(
        BadInput, match=r"model\.safetensors: cannot be read as safetensors \(.*\); copy the file again"
    ):
        from_hugging_face(tmp_path)


@pytest.mark.parametrize(
    ("index", "sentence"),
    [
        ({}, r"the key weight_map is missing"),
        ({"weight_map": {"a": "../b.safetensors"}}, r'names the file "\.\./b\.safetensors"; it should be a .* folder'),
        ({"weight_map": {"a": "b.bin"}}, r'weight_map names the file "b\.bin"'),
        ({"weight_map": {"a": "b.safetensors"}}, r"b\.safetensors: no such file, though model\.safetensors\.index"),
    ],
)  # fmt: skip
def test_a_bad_index_of_shards(tmp_path: Path, index: dict[str, Any], sentence: str):
    saved(tmp_path, "gpt2")
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(BadInput, match=sentence):
        from_hugging_face(tmp_path)
