"""The GPTs as published: name → configuration. Their counts are tested against the papers' and the released weights'.

GPT-1 (Radford et al. 2018): Post-LN, 40,478 tokens (40,000 merges and 478 base symbols), 116,534,784 parameters.
GPT-2 (Radford et al. 2019): the four released models, to the parameter (the paper's own table is rounded, and wrong for
the smaller ones, as its authors noted: "117M" is 124M, "345M" is 355M).

GPT-3 (Brown et al. 2020, table 2.1; totals of table D.1). Two of its rows do not fit themselves:

- XL has 24 heads of 128 beside a width of 2048, but 24 × 128 = 3072. Taken at its word (`n_head=24, d_head=128`) the
  model would have 1,517M parameters, not the 1,320M of table D.1; 16 heads of 128 give 1,316M, so those are used.
- 13B has a width of 5140, but its 40 heads of 128 make 5120. With 5140 it would have 12,936M parameters, not 12,850M as
  in table D.1; 5120 gives 12,853M, so 5140 is a misprint.

GPT-3's layers alternate dense and banded sparse attention, of unpublished width; here all are dense, which changes no
parameter, and FLOPs by the attention products alone. Dropout is no part of a configuration.
"""

from workbench.models.config import ModelConfig


def _gpt2(n_layer: int, n_head: int, d_model: int, context: int = 1024) -> ModelConfig:
    return ModelConfig(
        n_layer=n_layer, n_head=n_head, d_model=d_model, vocab_size=50_257, context=context, position="learned"
    )


def _gpt3(n_layer: int, n_head: int, d_model: int) -> ModelConfig:
    return _gpt2(n_layer, n_head, d_model, context=2048)


PRESETS: dict[str, ModelConfig] = {
    "gpt1": ModelConfig(
        n_layer=12,
        n_head=12,
        d_model=768,
        vocab_size=40_478,
        context=512,
        position="learned",
        norm_position="post",
    ),
    "gpt2": _gpt2(12, 12, 768),
    "gpt2-medium": _gpt2(24, 16, 1024),
    "gpt2-large": _gpt2(36, 20, 1280),
    "gpt2-xl": _gpt2(48, 25, 1600),
    "gpt3-small": _gpt3(12, 12, 768),
    "gpt3-medium": _gpt3(24, 16, 1024),
    "gpt3-large": _gpt3(24, 16, 1536),
    "gpt3-xl": _gpt3(24, 16, 2048),
    "gpt3-2.7b": _gpt3(32, 32, 2560),
    "gpt3-6.7b": _gpt3(32, 32, 4096),
    "gpt3-13b": _gpt3(40, 40, 5120),
    "gpt3-175b": _gpt3(96, 96, 12_288),
}
