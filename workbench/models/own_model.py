"""A registered model as a module of ours, and what is looked at when one is first built.

Shapes: B windows, T context, V vocabulary.
"""

import copy
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from workbench.errors import BadInput
from workbench.models.config import ModelConfig
from workbench.models.own import Registered, current, settings_of

LEAK = 1e-4
"""Change of a logit, over the largest logit, that is no rounding: attention in float32 leaves some 1e-6."""


class OwnModel(nn.Module):
    """A module that someone else's factory made: token ids (B, T) to logits (B, T, V)."""

    def __init__(self, config: ModelConfig, inner: nn.Module):
        super().__init__()
        self.config = config
        self.inner = inner

    def forward(self, ids_BT: Tensor) -> Tensor:
        """Logits (B, T, V)."""
        return cast(Tensor, self.inner(ids_BT))


@dataclass(frozen=True)
class Examined:
    """What a first look found; whatever forbids training has been raised."""

    warnings: tuple[str, ...] = ()


def build_own(config: ModelConfig, seed: int) -> OwnModel:
    """The model on the CPU, its factory called under `seed`. The global random state is neither read nor advanced.

    The first of a config in a process is examined.
    """
    examine(config)
    return make_own(config, seed)


def make_own(config: ModelConfig, seed: int, device: str = "cpu") -> OwnModel:
    """The same, unexamined, on a device."""
    model = current(config)
    arguments = (config,) if (settings := settings_of(config)) is None else (config, settings)
    with torch.random.fork_rng(devices=[]), torch.device(device):
        torch.manual_seed(seed)
        try:
            inner = model.factory(*arguments)
        except BadInput:
            raise
        except Exception as error:
            raise BadInput(
                f"model.architecture = {model.name!r}: its factory raises {type(error).__name__}: {error}"
            ) from error
    problem = _unfit(inner)
    if problem:
        raise BadInput(f"model.architecture = {model.name!r}: {problem}")
    return OwnModel(config, inner)


def _unfit(inner: object) -> str:
    """What of a factory's product cannot be trained, or cannot be saved and resumed; nothing, mostly."""
    if not isinstance(inner, nn.Module):
        return f"its factory gives a {type(inner).__name__}; it must give a torch.nn.Module"
    parameters = dict(inner.named_parameters())
    if lazy := [name for name, parameter in parameters.items() if is_lazy(parameter)]:
        return f"its parameter {lazy[0]} has no shape yet; give lazy layers their sizes"
    if not any(parameter.requires_grad for parameter in parameters.values()):
        return "the module has no parameter to train"
    if any(parameter.dtype != torch.float32 for parameter in parameters.values()):
        return "its parameters must be float32; train.precision says what the arithmetic is done in"
    places: dict[tuple[int, int], str] = {}
    for name, parameter in parameters.items():
        other = places.setdefault((parameter.untyped_storage()._cdata, int(parameter.storage_offset())), name)
        if other != name:
            return (
                f"its parameters {other} and {name} share their memory without being one parameter; tie them by "
                "assigning the same Parameter"
            )
    if odd := [name for name, value in inner.state_dict().items() if not isinstance(value, Tensor)]:
        return f"its state {odd[0]} is no tensor, and checkpoints hold tensors alone; keep it in a buffer"
    return ""


def examine(config: ModelConfig) -> Examined:
    """Build a config's model and try it, once in a process; raises `BadInput` where it is not a causal language model.

    The leaks are looked for with a little noise on the weights, since a head of zeros would hide any.
    """
    return _examine(config.model_dump_json(), current(config))


@lru_cache(maxsize=256)
def _examine(config_json: str, model_of: Registered) -> Examined:  # noqa: ARG001 - registered anew, looked at anew
    config = ModelConfig.model_validate_json(config_json)
    name = f"model.architecture = {config.architecture!r}"
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        model = make_own(config, seed=0)
        torch.manual_seed(0)
        ids_BT = torch.randint(config.vocab_size, (2, config.context))
        logits_BTV = _logits(model.eval(), ids_BT, name)
        wanted = (2, config.context, config.vocab_size)
        if tuple(logits_BTV.shape) != wanted:
            raise BadInput(
                f"{name}: for ids {tuple(ids_BT.shape)} it gives logits of the shape {tuple(logits_BTV.shape)}; they "
                f"must be (windows, tokens, vocabulary) = {wanted}"
            )
        if not logits_BTV.isfinite().all():
            raise BadInput(f"{name}: the logits of a freshly built model are not all finite")
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.02)
        for mode in ("evaluation", "training"):
            if config.context > 1 and _leak(model.train(mode == "training"), ids_BT, "future") > LEAK:
                raise BadInput(
                    f"{name}: in {mode} mode the logits of a token change with the tokens after it, so its loss would "
                    "be no prediction; mask what looks ahead (a BatchNorm over positions does, in training)"
                )
        if _leak(model.eval(), ids_BT, "rows") > LEAK:
            raise BadInput(f"{name}: in evaluation mode the logits of a window change with the others of its batch")
        across = _leak(model.train(), ids_BT, "rows") > LEAK
    warning = (
        f"{name}: in training the windows of a batch influence each other (BatchNorm does so), so that "
        "execution.micro_batch and execution.noise_scale change the result, and a window's loss is not its own"
    )
    return Examined((warning,) if across else ())


def _leak(model: OwnModel, ids_BT: Tensor, what: str) -> float:
    """The largest change of the first logits that another second half, or another second row, makes; relative."""
    changed_BT, half = ids_BT.clone(), (ids_BT.shape[1] + 1) // 2
    place = (slice(None), slice(half, None)) if what == "future" else (slice(1, None), slice(None))
    changed_BT[place] = (changed_BT[place] + 1) % model.config.vocab_size
    logits = []
    for ids in (ids_BT, changed_BT):
        torch.manual_seed(0)  # the same dropout
        fresh = copy.deepcopy(model)  # running statistics are not to be carried on
        logits.append(fresh(ids))
    kept = (slice(None), slice(0, half)) if what == "future" else (slice(0, 1), slice(None))
    before, after = logits[0][kept], logits[1][kept]
    if not (before.isfinite().all() and after.isfinite().all()):
        mode = "training" if model.training else "evaluation"
        raise BadInput(
            f"model.architecture = {model.config.architecture!r}: in {mode} mode, with some noise on fresh weights, "
            "its logits are not all finite"
        )
    return float((before - after).abs().max() / before.abs().max().clamp(min=1e-30))


def _logits(model: OwnModel, ids_BT: Tensor, name: str) -> Tensor:
    try:
        logits_BTV = model(ids_BT)
    except Exception as error:
        raise BadInput(
            f"{name}: called with ids {tuple(ids_BT.shape)} it raises {type(error).__name__}: {error}"
        ) from error
    if not isinstance(logits_BTV, Tensor):
        raise BadInput(f"{name}: it gives a {type(logits_BTV).__name__}; it must give a tensor of logits alone")
    return logits_BTV
