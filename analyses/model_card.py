"""What a model weighs and costs: parameters, FLOPs, memory in training and KV cache, each with how it is counted."""

import pandas as pd

from workbench.analyses.model_cache import cache
from workbench.analyses.model_shape import ModelAsk, experts, sequences, shape, tokens
from workbench.analyses.selection import Selection
from workbench.models.config import ModelConfig
from workbench.models.counts import count, training_memory
from workbench.models.on_paper import Experts, active_parameters, flops_with_experts, parameters_with_experts
from workbench.reporting import formats, theme
from workbench.reporting.document import Block, Column, Figure, Table, Text
from workbench.reporting.figures.models import shares

GROUPS = {
    "token_embedding": ("token embedding", theme.PURPLE, "V·d; a look-up, so no FLOPs"),
    "position_embedding": ("position embedding", theme.SKY, "T·d where positions are learned; else none"),
    "attention": ("attention: projections", theme.BLUE, "L·(d·(H + 2J)·K + H·K·d), with biases, gates and gains"),
    "scores": ("attention: scores", theme.GREEN, "no parameters; 4·T·H·K FLOPs a layer, T or the window uncut"),
    "feed_forward": (
        "feed-forward",
        theme.ORANGE,
        "L·2·d·F, or L·3·d·F where gated, with biases; for each expert",
    ),
    "norms": ("norms", theme.INK, "gains and biases; no matrix product, so no FLOPs counted"),
    "head": ("output head", theme.VERMILION, "V·d where it is not tied to the embedding; 2·V·d FLOPs either way"),
}
"""Part of a model → its name, its colour and how it is counted."""

MEMORY = {
    "weights": ("weights", theme.BLUE, "4 bytes a parameter"),
    "copy": ("half-precision copy", theme.PURPLE, "2 bytes a parameter in bf16 and fp16, which the products read"),
    "gradients": ("gradients", theme.VERMILION, "4 bytes a parameter"),
    "optimizer": ("optimizer state", theme.ORANGE, "AdamW's two moments, 8 bytes a parameter"),
    "activations": ("activations", theme.GREEN, "an estimate of what a layer keeps for the backward pass, per token"),
    "logits": ("logits", theme.SKY, "3 numbers of 4 bytes for each token and each entry of the vocabulary"),
}
"""What a training step keeps → its name, its colour and how it is counted."""

COUNTED = Column("how", "how it is counted")


def blocks(selection: Selection, ask: ModelAsk) -> list[Block]:  # noqa: ARG001, a view takes the runs, if it wants them
    """The whole card; no run is read for it."""
    config, mixture = shape(ask), experts(ask)
    return [
        _summary(config, mixture, ask),
        *_parameters(config, mixture),
        *_compute(config, mixture, ask),
        *_memory(config, mixture, ask),
        *cache(config, ask),
    ]


def _summary(config: ModelConfig, mixture: Experts, ask: ModelAsk) -> Text:
    """The shape in a sentence, and its symbols, which the tables use."""
    same = config == shape(ModelAsk(preset=ask.preset)) and not mixture.mixed
    name = f"`{ask.preset}`" if same else f"`{ask.preset}`, changed by hand"
    heads = f"{config.n_head} heads (H) of width {config.head_dim} (K)"
    shared = "" if config.kv_heads == config.n_head else f", {config.kv_heads} of keys and values (J)"
    feed = f"feed-forward {config.ff_dim:,} (F)"
    many = f"{mixture.total} experts, {mixture.active} for each token, of " if mixture.mixed else ""
    return Text(
        f"{name}: {config.n_layer} layers (L) of width {config.d_model:,} (d), {heads}{shared}, {many}{feed}, "
        f"vocabulary {config.vocab_size:,} (V), context {config.context:,} (T)."
    )


def _parameters(config: ModelConfig, mixture: Experts) -> list[Block]:
    """N under each convention, and where parameters and FLOPs lie."""
    groups = parameters_with_experts(config, mixture)
    total = sum(groups.values())
    outside = groups["token_embedding"] + groups["position_embedding"] + groups["head"]
    passes = "all of them: there are no experts to choose from"
    if mixture.mixed:
        passes = f"without the {mixture.total - mixture.active} of {mixture.total} experts that a token does not pass"
    rows = [
        ("total", total, "every weight once; a head tied to the embedding is no second one"),
        ("non-embedding", total - outside, "Kaplan's N: without token and position embeddings and an untied head"),
        ("active", active_parameters(config, mixture), passes),
    ]
    frame = pd.DataFrame(rows, columns=["n", "parameters", "how"])
    columns = (Column("n", "N"), Column("parameters", "parameters", "integer"), COUNTED)
    return [Table.of("model-parameters", "Parameters N, by convention", frame, columns), *_parts(config, mixture)]


def _parts(config: ModelConfig, mixture: Experts) -> list[Block]:
    """The figure of parameters and FLOPs by part, and its numbers."""
    groups, flops = parameters_with_experts(config, mixture), flops_with_experts(config, mixture)
    spent = {"attention": flops["attention_projections"], "scores": flops["attention_scores"]}
    spent |= {key: flops[key] for key in ("feed_forward", "head")}
    rows = [(name, groups.get(key, 0), spent.get(key, 0), how) for key, (name, _, how) in GROUPS.items()]
    frame = pd.DataFrame(rows, columns=["part", "parameters", "flops", "how"])
    bars = {
        f"{formats.count(sum(groups.values()))} parameters": dict(zip(frame["part"], frame["parameters"], strict=True)),
        f"{formats.power(sum(flops.values()))} FLOPs": dict(zip(frame["part"], frame["flops"], strict=True)),
    }
    caption = (
        "Where the parameters lie, and where the FLOPs of one token's forward pass at the full context go: "
        f"{sum(groups.values()):,} parameters and {sum(flops.values()):,} FLOPs."
    )
    figure = shares(bars, {name: color for name, color, _ in GROUPS.values()})
    columns = (
        Column("part", "part"),
        Column("parameters", "parameters", "integer"),
        Column("flops", "FLOPs a token, forward", "power"),
        COUNTED,
    )
    return [
        Figure("model-parts", caption, figure, frame.drop(columns="how")),
        Table.of("model-parts", "Parameters and FLOPs by part", frame, columns, folded=True),
    ]


def _compute(config: ModelConfig, mixture: Experts, ask: ModelAsk) -> list[Block]:
    """FLOPs per token, and of a training."""
    forward = sum(flops_with_experts(config, mixture).values())
    active, total = active_parameters(config, mixture), sum(parameters_with_experts(config, mixture).values())
    many = tokens(ask, total)
    training = f"training on {formats.count(many)} tokens"
    kaplan = count(config).flops_per_token_forward_kaplan
    rows: list[tuple[str, float, str]] = [
        ("forward, per token", forward, "every matrix product, 2 FLOPs a multiply-add; attention uncut, head included"),
        ("training, per token", 3 * forward, "3 × forward: the backward pass has two products for each one"),
        ("6N, per token", 6 * active, "the usual approximation, N active: no attention scores; the embedding counts"),
        (
            f"{training}, C",
            3 * forward * many,
            "training per token × D, nothing recomputed",
        ),
        (
            f"{training}, 6ND",
            6 * active * many,
            f"{formats.number(2 * active / forward)} of the exact count",
        ),
    ]
    if not mixture.mixed:
        rows.insert(1, ("forward, Kaplan's", kaplan, "2N + 2·L·T·H·K, N non-embedding: no head, half of attention"))
    frame = pd.DataFrame(rows, columns=["what", "flops", "how"])
    columns = (Column("what", "compute"), Column("flops", "FLOPs", "power"), COUNTED)
    caption = f"FLOPs at the full context of {config.context:,} tokens; D = {formats.count(many)} tokens"
    caption += " (20 for each parameter)" if ask.tokens is None else ""
    return [Table.of("model-compute", caption, frame, columns)]


def _memory(config: ModelConfig, mixture: Experts, ask: ModelAsk) -> list[Block]:
    """What a training step keeps on one device."""
    # The experts that a token passes keep activations like one feed-forward of their widths together.
    wide = config.model_copy(update={"d_ff": mixture.active * config.ff_dim})
    many = sequences(ask)
    found = training_memory(wide, many, ask.precision, keeps_weights=False, recomputes=ask.recompute)
    dense, total = count(wide).n_params, sum(parameters_with_experts(config, mixture).values())
    for key in ("weights", "copy", "gradients", "optimizer"):
        found[key] = found[key] // dense * total
    rows = [(name, found[key], how) for key, (name, _, how) in MEMORY.items() if found[key]]
    rows.append(("in all", sum(found.values()), "on one device, nothing sharded or offloaded"))
    frame = pd.DataFrame(rows, columns=["what", "bytes", "how"])
    columns = (Column("what", "what is kept"), Column("bytes", "memory", "bytes"), COUNTED)
    how = f"{many} {'sequence' if many == 1 else 'sequences'} of {config.context:,} tokens in {ask.precision}"
    again = ", activations computed again" if ask.recompute else ""
    caption = f"Memory of one training step with AdamW: {how}, fused attention{again}"
    bar = {formats.size(sum(found.values())): {name: found[key] for key, (name, _, _) in MEMORY.items()}}
    figure = shares(bar, {name: color for name, color, _ in MEMORY.values()})
    return [
        Table.of("model-memory", caption, frame, columns),
        Figure("model-memory", f"{caption}: {formats.size(sum(found.values()))} in all.", figure, frame.head(-1)),
    ]
