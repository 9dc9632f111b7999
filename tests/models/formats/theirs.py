"""Small models of `transformers`, and what is compared with ours."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from workbench.generation import generate
from workbench.models.decoder import Decoder

transformers = pytest.importorskip("transformers")

LLAMA = {
    "vocab_size": 37, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4,
    "max_position_embeddings": 32, "bos_token_id": None, "eos_token_id": None,
}  # fmt: skip
SHAPES: dict[str, dict[str, Any]] = {
    "gpt2": {
        "vocab_size": 37, "n_embd": 16, "n_layer": 2, "n_head": 4, "n_positions": 32, "bos_token_id": None,
        "eos_token_id": None,
    },
    "llama": LLAMA,
    "gpt_neox": LLAMA | {"use_parallel_residual": False, "rotary_pct": 1.0},
}  # fmt: skip


@torch.no_grad()
def theirs(model_type: str, **settings: Any) -> Any:
    """A model of `transformers` with opinions: every parameter is drawn anew, wide, gains and biases too."""
    config = transformers.AutoConfig.for_model(model_type, **(SHAPES[model_type] | settings))
    model, generator = transformers.AutoModelForCausalLM.from_config(config), torch.Generator().manual_seed(0)
    for name, parameter in model.named_parameters():
        draw = torch.randn(parameter.shape, generator=generator)
        parameter.copy_(draw * 0.25 if parameter.ndim == 2 else draw * 0.2 + (not name.endswith("bias")))
    return model.eval()


def opened(folder: Path) -> Any:
    """What `transformers` makes of a folder, every tensor found and used."""
    model, report = transformers.AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert not any(report.values()), report
    return model


@torch.no_grad()
def assert_the_same(ours: Decoder, model: Any, tolerance: float = 1e-5) -> None:
    """The same logits over a whole window, and the same greedy text after the beginning of one."""
    assert not ours.training
    context, vocab_size = ours.config.context, ours.config.vocab_size
    ids_BT = torch.randint(vocab_size, (3, context), generator=torch.Generator().manual_seed(1))
    logits_BTV = ours(ids_BT)
    assert isinstance(logits_BTV, Tensor) and logits_BTV.std() > 0.1
    torch.testing.assert_close(logits_BTV, model(ids_BT).logits, rtol=0, atol=tolerance)
    prompt_BT = ids_BT[:, :5]
    written_BS = model.generate(
        prompt_BT, attention_mask=torch.ones_like(prompt_BT), max_new_tokens=context - 5, do_sample=False
    )
    expected_BN = written_BS[:, 5:]
    tied = ours.config.tie_embeddings  # and drawn at random: it repeats itself
    assert tied or len(set(expected_BN.flatten().tolist())) > 5
    assert torch.equal(generate(ours, prompt_BT, context - 5), expected_BN)
