"""The decoder: token embedding, blocks of attention and feed-forward, head.

Shapes: B batch, T positions, D width, V vocabulary, S keys including cached ones. Every part is pure: positions and
cache are arguments, nothing is kept between calls, so it works under `functional_call`, `vmap` and `compile`.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from workbench.errors import BadInput
from workbench.models.attention import LayerCache
from workbench.models.block import Block
from workbench.models.config import ModelConfig
from workbench.models.norms import build_norm
from workbench.models.parameterisation import logit_scale, weight_scale
from workbench.models.positions import Rotation, rotation, sinusoids

Cache = tuple[LayerCache, ...]
"""Keys and values of every layer; `Decoder.empty_cache` starts one."""


class Decoder(nn.Module):
    """Token ids to the logits of the next token. Matrices and embeddings have two dimensions, all else one."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.d_model)
        learned = config.position == "learned"
        self.position_embedding = nn.Embedding(config.context, config.d_model) if learned else None
        self.blocks = nn.ModuleList(Block(config, layer) for layer in range(config.n_layer))
        self.final_norm = nn.Identity() if config.norm_position == "post" else build_norm(config)
        self.head = None if config.tie_embeddings else nn.Linear(config.d_model, config.vocab_size, bias=False)

    def forward(
        self, ids_BT: Tensor, positions: Tensor | None = None, cache: Cache | None = None
    ) -> Tensor | tuple[Tensor, Cache]:
        """Logits (B, T, V); with a cache given, (logits, the cache with these tokens appended).

        `positions` are (T,) or (B, T) integers, by default those that follow the cache.
        """
        x_BTD, new_cache = self.hidden(ids_BT, positions, cache)
        logits_BTV = self.unembed(x_BTD)
        return logits_BTV if cache is None else (logits_BTV, new_cache)

    def hidden(
        self, ids_BT: Tensor, positions: Tensor | None = None, cache: Cache | None = None
    ) -> tuple[Tensor, Cache]:
        """The residual stream that the head reads (B, T, D), and the new cache; none without one to begin with."""
        T = ids_BT.shape[1]
        S = T if cache is None else T + cache[0][0].shape[2]
        if positions is None:
            if self.position_embedding is not None and self.config.context < S:
                raise BadInput(
                    f'A window of {S} tokens does not fit context = {self.config.context} with position = "learned": '
                    f"give at most {self.config.context} tokens."
                )
            positions = torch.arange(S - T, S, device=ids_BT.device)
        x_BTD, turn = self._embed(ids_BT, positions)
        new_cache = []
        for i, block in enumerate(self.blocks):
            x_BTD, now = block(x_BTD, turn, None if cache is None else cache[i])
            if cache is not None:  # else every layer's keys and values would live as long as the pass
                new_cache.append(now)
        return self.final_norm(x_BTD), tuple(new_cache)

    def unembed(self, x_BTD: Tensor) -> Tensor:
        """Logits of a residual stream: the head, or the transposed token embedding."""
        weight_VD = self.token_embedding.weight if self.head is None else self.head.weight
        logits_BTV = F.linear(x_BTD, weight_VD)
        scale, cap = logit_scale(self.config), self.config.head_softcap
        if scale != 1:
            logits_BTV = logits_BTV * scale
        return torch.tanh(logits_BTV / cap) * cap if cap else logits_BTV

    def _embed(self, ids_BT: Tensor, positions: Tensor) -> tuple[Tensor, Rotation | None]:
        """The stream that enters the first block, and the rotation all attention shares."""
        config = self.config
        x_BTD = self.token_embedding(ids_BT)
        if config.embedding_scale or config.position == "sinusoidal":
            # Vaswani et al. 2017, section 3.4: tokens scaled by √D, or sinusoids of amplitude 1 drown them.
            x_BTD = x_BTD * math.sqrt(config.d_model)
        if self.position_embedding is not None:
            x_BTD = x_BTD + self.position_embedding(positions)
        if config.position == "sinusoidal":
            x_BTD = x_BTD + sinusoids(positions, config.d_model).to(x_BTD.dtype)
        if config.dropout:
            x_BTD = F.dropout(x_BTD, config.dropout, self.training)
        if config.position != "rope":
            return x_BTD, None
        cos, sin = rotation(positions, config)
        if positions.ndim == 2:  # one row of positions per sequence: leave room for the heads
            cos, sin = cos[:, None], sin[:, None]
        return x_BTD, (cos.to(x_BTD.dtype), sin.to(x_BTD.dtype))

    def empty_cache(self, batch: int) -> Cache:
        """A cache of no tokens, to begin generation with."""
        weight = self.token_embedding.weight
        none_BJSK = weight.new_empty(batch, self.config.kv_heads, 0, self.config.head_dim)
        return tuple((none_BJSK, none_BJSK) for _ in self.blocks)

    @torch.no_grad()
    def init_weights(self, generator: torch.Generator) -> None:
        """GPT-2's initialisation (Radford et al. 2019), drawn in order from `generator`.

        Weights N(0, init_std), biases and gate vectors 0, gains 1; the two projections that write to the residual
        stream of each block are scaled by 1/√(2·n_layer) (`residual_init`). A learned position table has half of
        init_std, as in OpenAI's released code (wte 0.02, wpe 0.01; Hugging Face's port has 0.02 for both). The scaling
        is kept for Post-LN, though GPT-1 had none. Under μP hidden matrices are smaller by the root of the width's
        ratio. Numbers are drawn in float32 on the generator's device, so that a seed means one model everywhere.
        """
        config = self.config
        for name, parameter in self.named_parameters():
            if parameter.ndim == 1:
                parameter.fill_(0.0 if name.endswith(("bias", "gate_vector")) else 1.0)
                continue
            scale = config.init_std * weight_scale(config, name)
            if config.residual_init == "scaled" and name.endswith(("attention.out.weight", "feed_forward.down.weight")):
                scale /= math.sqrt(2 * config.n_layer)
            elif name == "position_embedding.weight":
                scale /= 2
            draw = torch.empty(parameter.shape, dtype=torch.float32, device=generator.device)
            parameter.copy_(draw.normal_(0.0, scale, generator=generator))


def build(config: ModelConfig, seed: int) -> Decoder:
    """A decoder on the CPU, initialised from `seed`. The global random state is neither read nor advanced."""
    with torch.device("meta"):
        decoder = Decoder(config)
    decoder = decoder.to_empty(device="cpu")
    decoder.init_weights(torch.Generator().manual_seed(seed))
    return decoder
