"""The attention of a block: project to queries, keys and values, attend, gate, project back.

Shapes: B batch, T queries, S keys (S ≥ T: earlier ones come from a cache), H query heads, J key/value heads, K width of
a head, D width.
"""

import torch
from torch import Tensor, nn

from workbench.models.attend import attend
from workbench.models.attention_pattern import pattern_of
from workbench.models.config import ModelConfig
from workbench.models.positions import Rotation, rotate

LayerCache = tuple[Tensor, Tensor]
"""Keys and values of one layer, each (B, J, S, K)."""


class Attention(nn.Module):
    """Project to queries, keys and values in one product, attend, project back."""

    def __init__(self, config: ModelConfig, layer: int = 0):
        super().__init__()
        self.n_head, self.n_kv_head, self.d_head = config.n_head, config.kv_heads, config.head_dim
        self.pattern, self.pairing, self.dropout = pattern_of(config, layer), config.rope_pairing, config.dropout
        d_attn = self.n_head * self.d_head
        self.qkv = nn.Linear(config.d_model, d_attn + 2 * self.n_kv_head * self.d_head, bias=config.has_qkv_bias)
        self.q_norm, self.k_norm = (
            nn.RMSNorm(self.d_head, eps=config.norm_epsilon) if config.qk_norm else None for _ in range(2)
        )
        self.gate = nn.Linear(config.d_model, d_attn, bias=False) if config.attention_gate == "input" else None
        self.gate_vector = nn.Parameter(torch.empty(d_attn)) if config.attention_gate == "vector" else None
        self.out = nn.Linear(d_attn, config.d_model, bias=config.bias)

    def forward(
        self, x_BTD: Tensor, rotation: Rotation | None = None, past: LayerCache | None = None
    ) -> tuple[Tensor, LayerCache]:
        """The attended stream, and this layer's keys and values including the past ones."""
        B, T, _ = x_BTD.shape
        H, J = self.n_head, self.n_kv_head
        qkv_BNTK = self.qkv(x_BTD).view(B, T, H + 2 * J, self.d_head).transpose(1, 2)
        qk_BNTK, v_BJSK = qkv_BNTK.split((H + J, J), dim=1)
        if self.q_norm is not None and self.k_norm is not None:
            q_BHTK, k_BJSK = qk_BNTK.split((H, J), dim=1)
            qk_BNTK = torch.cat((self.q_norm(q_BHTK), self.k_norm(k_BJSK)), dim=1)
        if rotation is not None:
            qk_BNTK = rotate(qk_BNTK, rotation, self.pairing)
        q_BHTK, k_BJSK = qk_BNTK.split((H, J), dim=1)
        if past is not None:
            k_BJSK = torch.cat((past[0], k_BJSK), dim=2)
            v_BJSK = torch.cat((past[1], v_BJSK), dim=2)
        y_BHTK = attend(q_BHTK, k_BJSK, v_BJSK, self.pattern, self.dropout if self.training else 0.0)
        y_BTA = y_BHTK.transpose(1, 2).reshape(B, T, H * self.d_head)
        if self.gate is not None:
            y_BTA = y_BTA * torch.sigmoid(self.gate(x_BTD))
        if self.gate_vector is not None:
            y_BTA = y_BTA * torch.sigmoid(self.gate_vector)
        return self.out(y_BTA), (k_BJSK, v_BJSK)
