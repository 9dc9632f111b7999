"""The contenders of the benchmarks of training: this workbench, transformers' GPT-2 and litgpt's GPT, in equal shapes.

Each starts from the same weights (ours, copied) and takes the same batches at the same rates. litgpt has no learned
positions and is held against our model with RoPE, the half-rotated one that both have.

Shapes: B windows, T context, S = T + 1, V vocabulary.
"""

import importlib.util
import itertools
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.benchmarks.training_setup import Task
from workbench.models.decoder import Decoder, build
from workbench.models.formats import to_hugging_face
from workbench.training.devices import autocast
from workbench.training.learner import make_learner
from workbench.training.step import update

Who = Literal["workbench", "transformers", "litgpt"]
Position = Literal["learned", "rope"]
CLIP, BETAS, DECAY = 1.0, (0.9, 0.99), 0.1


@dataclass(frozen=True)
class Choice:
    """Who trains, and how."""

    who: Who
    position: Position = "learned"
    compile: bool = False
    bf16: bool = False
    attention: str = "sdpa"
    """transformers' implementation."""
    adamw: Literal["fused", "foreach"] = "fused"
    mode: str | None = None
    """torch.compile's."""
    device: str = "cpu"

    def __str__(self) -> str:
        said = [self.who, *(["RoPE"] if self.position == "rope" else []), "compiled" if self.compile else "eager"]
        said += [self.mode] if self.mode else []
        said += ["bf16" if self.bf16 else "fp32"]
        said += [self.attention] if self.who == "transformers" else []
        return ", ".join([*said, *([self.adamw] if self.who != "workbench" else [])])


@dataclass(frozen=True)
class Trainer:
    """A contender, ready to train."""

    step: Callable[[Tensor, int, float], Tensor]
    """Take the step of this number on ids (B, S) at a rate; returns the loss, still on the device."""
    logits: nn.Module
    """Ids (B, T) to logits (B, T, V), to be evaluated."""


def missing(who: Who) -> str | None:
    """Why a contender is left out, in a line; None where it is there."""
    if importlib.util.find_spec(who) is not None:
        return None
    return f"{who} is not installed: this peer is left out (pip install {who})."


def choices(who: Who, position: Position, compiled: bool) -> list[Choice]:
    """Every configuration that is searched, eager or compiled: attention × bf16."""
    attentions = ("sdpa", "eager") if who == "transformers" else ("sdpa",)
    return [
        Choice(who, position, compiled, bf16, attention)
        for attention, bf16 in itertools.product(attentions, (False, True))
    ]


def refinements(choice: Choice) -> list[Choice]:
    """What is tried beside the fastest: the other AdamW."""
    return [] if choice.who == "workbench" else [replace(choice, adamw="foreach")]


def make_trainer(choice: Choice, task: Task) -> Trainer:
    """Freshly initialised from seed 0."""
    if choice.who == "workbench":
        return _ours(choice, task)
    initial = build(task.run(1, position=choice.position).model, 0)
    model = _transformers(initial, choice) if choice.who == "transformers" else _litgpt(initial)
    return _plain_loop(model.to(choice.device), choice)


def _ours(choice: Choice, task: Task) -> Trainer:
    """What `train` does at a step."""
    execution = {"compile": choice.compile, "device": choice.device}
    precision = "bf16" if choice.bf16 else "fp32"
    config = task.run(1, execution=execution, position=choice.position, precision=precision)
    learner = make_learner(config, torch.device(choice.device), task.windows)

    def step(ids_BS: Tensor, number: int, rate: float) -> Tensor:
        return update(learner, ids_BS, number, rate).loss

    return Trainer(step, learner.model)


def _plain_loop(model: nn.Module, choice: Choice) -> Trainer:
    """The loop of a careful user of a peer: autocast, torch's AdamW, clipping."""
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": DECAY}, {"params": vectors, "weight_decay": 0.0}]
    how = {choice.adamw: True}
    optimizer = torch.optim.AdamW(groups, lr=0.0, betas=BETAS, **how)
    logits = _Logits(model)

    def loss_of(ids_BS: Tensor) -> Tensor:
        return F.cross_entropy(logits(ids_BS[:, :-1]).float().flatten(0, 1), ids_BS[:, 1:].flatten())

    forward = cast(Callable[[Tensor], Tensor], torch.compile(loss_of, mode=choice.mode) if choice.compile else loss_of)
    device = torch.device(choice.device)

    def step(ids_BS: Tensor, number: int, rate: float) -> Tensor:
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad(set_to_none=True)
        with autocast(device, "bf16" if choice.bf16 else "fp32"):
            loss = forward(ids_BS)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        return loss.detach()

    return Trainer(step, logits)


class _Logits(nn.Module):
    """A peer's model as one from ids to logits."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids_BT: Tensor) -> Tensor:
        if type(self.model).__module__.startswith("transformers"):
            return cast(Tensor, self.model(ids_BT, use_cache=False).logits)
        return cast(Tensor, self.model(ids_BT))


def _transformers(initial: Decoder, choice: Choice) -> nn.Module:
    """Opened from our export. Its own GELU is a chain of kernels; torch's of the same formula is faster."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import transformers

    transformers.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        to_hugging_face(initial, Path(folder) / "model")
        model = transformers.AutoModelForCausalLM.from_pretrained(
            Path(folder) / "model", attn_implementation=choice.attention, activation_function="gelu_pytorch_tanh"
        )
    return cast(nn.Module, model.train())


def _litgpt(initial: Decoder) -> nn.Module:
    """Our parameters under its names; the head tied, as ours."""
    from litgpt.config import Config
    from litgpt.model import GPT

    ours = initial.config
    config = Config(
        name="benchmark",
        n_layer=ours.n_layer,
        n_head=ours.n_head,
        n_embd=ours.d_model,
        block_size=ours.context,
        vocab_size=ours.vocab_size,
        padded_vocab_size=ours.vocab_size,
        rotary_percentage=1.0,
        parallel_residual=False,
        bias=True,
        attn_bias=True,
        gelu_approximate="tanh",
        mlp_class_name="GptNeoxMLP",
    )
    model: Any = GPT(config)
    model.lm_head.weight = model.transformer.wte.weight
    names = {
        "token_embedding": "transformer.wte",
        "final_norm": "transformer.ln_f",
        "blocks": "transformer.h",
        "attention.qkv": "attn.qkv",
        "attention.out": "attn.proj",
        "feed_forward.up": "mlp.fc",
        "feed_forward.down": "mlp.proj",
    }
    weights = {}
    for name, parameter in initial.named_parameters():
        for old, new in names.items():
            name = name.replace(old, new)
        weights[name] = parameter.detach().clone()
    weights["lm_head.weight"] = weights["transformer.wte.weight"]
    model.load_state_dict(weights, strict=True)
    return cast(nn.Module, model.train())
