"""The whole decoder from its formulas, in float64 and with no module of torch: what the models are held against."""

import math

import torch
from torch import Tensor

from workbench.models.config import ModelConfig


def transcription(config: ModelConfig, w: dict[str, Tensor], ids: list[int]) -> Tensor:
    """Logits (T, V) of one sequence under the weights `w`."""
    T, D, K = len(ids), config.d_model, config.head_dim
    H, J = config.n_head, config.kv_heads
    m = D / config.base_width if config.base_width else 1.0
    depth = config.n_layer / config.base_depth if config.base_depth else 1.0
    scale = 1 / math.sqrt(K) if config.parameterisation == "standard" else math.sqrt(config.base_d_head or K) / K

    def linear(x: Tensor, name: str) -> Tensor:
        return x @ w[f"{name}.weight"].T + w.get(f"{name}.bias", torch.zeros(()))

    def rms(x: Tensor, gain: Tensor) -> Tensor:
        return x / ((x * x).mean(-1, keepdim=True) + config.norm_epsilon).sqrt() * gain

    def norm(x: Tensor, name: str) -> Tensor:
        if config.norm == "rmsnorm":
            return rms(x, w[f"{name}.weight"])
        centred = x - x.mean(-1, keepdim=True)
        scaled = centred / ((centred * centred).mean(-1, keepdim=True) + config.norm_epsilon).sqrt()
        return scaled * w[f"{name}.weight"] + w.get(f"{name}.bias", torch.zeros(()))

    def activation(x: Tensor) -> Tensor:
        if config.activation == "swiglu":
            gate, value = x[:, : config.ff_dim], x[:, config.ff_dim :]
            return gate / (1 + (-gate).exp()) * value
        if config.activation == "geglu":
            gate, value = x[:, : config.ff_dim], x[:, config.ff_dim :]
            return gate / 2 * (1 + torch.tanh(math.sqrt(2 / math.pi) * (gate + 0.044715 * gate**3))) * value
        if config.activation in ("relu", "relu2"):
            return (x * (x > 0)) ** (2 if config.activation == "relu2" else 1)
        if config.activation == "gelu":
            return x * 0.5 * (1 + torch.erf(x / math.sqrt(2)))
        return x / 2 * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))

    def turned(x: Tensor) -> Tensor:
        half = config.rope_pairing == "half"
        z = torch.complex(x[:, : K // 2], x[:, K // 2 :]) if half else torch.complex(x[:, ::2], x[:, 1::2])
        theta, factor = turning(config)
        z = z * torch.exp(1j * torch.arange(T, dtype=torch.float64)[:, None] * theta) * factor
        return torch.cat((z.real, z.imag), -1) if half else torch.stack((z.real, z.imag), -1).reshape(T, K)

    def attention(x: Tensor, layer: int) -> Tensor:
        name = f"blocks.{layer}.attention"
        heads = linear(x, f"{name}.qkv").split(K, dim=-1)
        windowed = config.window_pattern == "all" or layer % 2 == 1
        window = config.window if config.window and windowed else T
        distance = torch.arange(T)[:, None] - torch.arange(T)
        seen = (distance >= 0) & (distance < window)
        outs = []
        for h in range(H):
            j = h // (H // J)
            q, k, v = heads[h], heads[H + j], heads[H + J + j]
            if config.qk_norm:
                q, k = rms(q, w[f"{name}.q_norm.weight"]), rms(k, w[f"{name}.k_norm.weight"])
            if config.position == "rope":
                q, k = turned(q), turned(k)
            scores = q @ k.T * scale
            if config.attention_softcap:
                scores = config.attention_softcap * torch.tanh(scores / config.attention_softcap)
            if config.position == "alibi":
                scores = scores - slope(h, H) * distance
            outs.append(scores.masked_fill(~seen, -math.inf).softmax(-1) @ v)
        y = torch.cat(outs, dim=-1)
        if config.attention_gate == "input":
            y = y / (1 + (-(x @ w[f"{name}.gate.weight"].T)).exp())
        if config.attention_gate == "vector":
            y = y / (1 + (-w[f"{name}.gate_vector"]).exp())
        return linear(y, f"{name}.out")

    def feed_forward(x: Tensor, layer: int) -> Tensor:
        name = f"blocks.{layer}.feed_forward"
        return linear(activation(linear(x, f"{name}.up")), f"{name}.down")

    x = w["token_embedding.weight"][ids]
    if config.position == "sinusoidal" or config.embedding_scale:
        x = x * math.sqrt(D)
    if config.position == "learned":
        x = x + w["position_embedding.weight"][:T]
    if config.position == "sinusoidal":
        p, i = torch.arange(T, dtype=torch.float64)[:, None], torch.arange(D // 2, dtype=torch.float64)
        angles = p / 10_000 ** (2 * i / D)
        x = x + torch.stack((angles.sin(), angles.cos()), dim=-1).reshape(T, D)
    for n in range(config.n_layer):
        one, two, after = f"blocks.{n}.norm_1", f"blocks.{n}.norm_2", f"blocks.{n}.after"
        if config.parallel:
            y = norm(x, one)
            x = x + (attention(y, n) + feed_forward(y, n)) / depth
        elif config.norm_position == "pre":
            x = x + attention(norm(x, one), n) / depth
            x = x + feed_forward(norm(x, two), n) / depth
        elif config.norm_position == "sandwich":
            x = x + norm(attention(norm(x, one), n), f"{after}_1") / depth
            x = x + norm(feed_forward(norm(x, two), n), f"{after}_2") / depth
        else:
            x = norm(x + attention(x, n) / depth, one)
            x = norm(x + feed_forward(x, n) / depth, two)
    if config.norm_position != "post":
        x = norm(x, "final_norm")
    logits = x @ w["token_embedding.weight" if config.tie_embeddings else "head.weight"].T / m
    return config.head_softcap * torch.tanh(logits / config.head_softcap) if config.head_softcap else logits


def slope(head: int, n_head: int) -> float:
    """ALiBi's, as its paper has it for a power of two; else the released code's."""
    power = 1
    while 2 * power <= n_head:
        power *= 2
    if head < power:
        return float(2.0 ** (-8 * (head + 1) / power))
    return float(2.0 ** (-8 * (2 * (head - power) + 1) / (2 * power)))


def turning(config: ModelConfig) -> tuple[Tensor, float]:
    """RoPE's angles per position, and what rotated vectors are multiplied by."""
    K, s, base = config.head_dim, config.rope_factor, config.rope_base
    i = torch.arange(K // 2, dtype=torch.float64)
    if config.rope_scaling == "ntk" and K > 2:
        base = base * s ** (K / (K - 2))
    theta, factor = base ** (-2 * i / K), 1.0
    if config.rope_scaling == "linear":
        theta = theta / s
    if config.rope_scaling == "longrope":
        assert config.rope_factors
        theta = theta / torch.tensor(config.rope_factors, dtype=torch.float64)
        factor = math.sqrt(1 + math.log(s) / math.log(config.context / s)) if 1 < s < config.context else 1.0
    if config.rope_scaling == "yarn":
        trained = config.context / s
        edges = [K * math.log(trained / (turns * 2 * math.pi)) / (2 * math.log(base)) for turns in (32, 1)]
        low, high = max(math.floor(edges[0]), 0), min(math.ceil(edges[1]), K - 1)
        ramp = [min(max((k - low) / max(high - low, 1e-3), 0.0), 1.0) for k in range(K // 2)]
        theta = torch.stack([t * (1 - r) + t / s * r for t, r in zip(theta, ramp, strict=True)])
        factor = 0.1 * math.log(s) + 1
    return theta, factor
