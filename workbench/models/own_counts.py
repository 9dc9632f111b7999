"""What a registered model weighs and costs, by torch's own counter.

The FLOP convention is that of counts.py: matrix products only, a multiply-add is 2 FLOPs, attention as it is computed
by plain products, training three times forward. The module is run on the meta device, where nothing is computed and
recurrent layers come apart into their products; one that cannot be built there is run on the CPU, where some kernels
(LSTM's) hide theirs.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch._ops import OpOverload
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from workbench.errors import BadInput
from workbench.models.config import ModelConfig
from workbench.models.counts import Counts
from workbench.models.own import Registered, current
from workbench.models.own_model import OwnModel, examine, make_own

UNCOUNTED = {
    "mkldnn_rnn_layer", "_cudnn_rnn", "miopen_rnn", "mv", "addmv", "dot", "vdot", "addr", "_fft_r2c", "_fft_c2r",
    "_fft_c2c", "linalg_solve_triangular", "_linalg_solve_ex", "linalg_inv_ex", "matrix_exp",
}  # fmt: skip
"""Products of torch that its counter does not know; they count as nothing."""


WINDOWS = 2
"""That the counting pass reads: of one, BatchNorm could take no variance."""

TORCHS_OWN = {"aten", "prim", "prims", "profiler", "_c10d_functional"}


@dataclass(frozen=True)
class OwnCounts:
    """Counts of one model, and what was seen on the way."""

    counts: Counts
    activation_bytes: int
    """What autograd keeps of one window in float32, the logits' share of the loss included."""
    uncounted: tuple[str, ...]
    """Operations that the counter does not know."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is to be said of the FLOPs."""
        if self.counts.flops_per_token_forward == 0:
            return ("its forward pass holds no matrix product that torch's counter knows: its FLOPs are 0",)
        if self.uncounted:
            return (f"its FLOPs leave out {', '.join(self.uncounted)}, which torch's counter does not know",)
        return ()


def own_warnings(config: ModelConfig) -> tuple[str, ...]:
    """What is to be known of a config's model before it is trained; raises where it cannot be."""
    counted = (f"model.architecture = {config.architecture!r}: {warning}" for warning in count_own(config).warnings)
    return (*examine(config).warnings, *counted)


def count_own(config: ModelConfig) -> OwnCounts:
    """The counts of a config's model, made once in a process."""
    return _count(config.model_dump_json(), current(config))


@lru_cache(maxsize=1024)
def _count(config_json: str, model_of: Registered) -> OwnCounts:  # noqa: ARG001 - registered anew, counted anew
    config = ModelConfig.model_validate_json(config_json)
    try:
        return _counted(make_own(config, seed=0, device="meta"), config)
    except Exception:  # whatever a factory or a forward pass cannot do without numbers; the CPU has them
        try:
            return _counted(make_own(config, seed=0), config)
        except BadInput:
            raise
        except Exception as error:
            raise BadInput(
                f"model.architecture = {config.architecture!r}: its FLOPs cannot be counted, as a forward "
                f"pass over two windows raises {type(error).__name__}: {error}"
            ) from error


def _counted(model: OwnModel, config: ModelConfig) -> OwnCounts:
    device = next(model.parameters()).device
    ids_BT = torch.zeros((WINDOWS, config.context), dtype=torch.long, device=device)
    own = {parameter.untyped_storage()._cdata: parameter for parameter in model.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            kept[storage._cdata] = storage.nbytes()
        return tensor

    saved = torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor)
    seen, counter = _Seen(), FlopCounterMode(display=False)
    with torch.random.fork_rng(devices=[]), sdpa_kernel(SDPBackend.MATH), saved, counter, seen:
        logits_BTV = model.train()(ids_BT)
    n_params = sum(parameter.numel() for parameter in model.parameters())
    last = [own[storage] for storage in seen.multiplied_last if storage in own]
    non_embedding = n_params - _embedding(model, last, config.vocab_size)
    total = counter.get_total_flops()
    activation_bytes = (sum(kept.values()) + 12 * logits_BTV.numel()) // WINDOWS
    forward = math.ceil(total / ids_BT.numel())
    counts = Counts(
        n_params=n_params,
        n_params_non_embedding=non_embedding,
        n_params_active=n_params,
        flops_per_token_forward=forward,
        flops_per_token_training=3 * forward,
        flops_per_token_6n=6 * n_params,
        flops_per_token_forward_kaplan=2 * non_embedding,
    )
    return OwnCounts(counts, activation_bytes, tuple(sorted(seen.uncounted)))


def _embedding(model: nn.Module, last: list[nn.Parameter], vocab_size: int) -> int:
    """Parameters of every `nn.Embedding`, and of the head: the matrix multiplied by last, if one side of it is the
    vocabulary's; not its bias.

    A head that is tied to an embedding is that embedding, and counts once.
    """
    tables = {id(module.weight): module.weight for module in model.modules() if isinstance(module, nn.Embedding)}
    for weight in last:
        if weight.ndim == 2 and vocab_size in weight.shape:
            tables[id(weight)] = weight
    return sum(weight.numel() for weight in tables.values())


PRODUCTS = ("mm", "addmm", "bmm", "baddbmm")
"""What torch makes of a product of matrices."""


class _Seen(TorchDispatchMode):
    """Notes the operations that are products the counter does not know: those above, and whoever's own; and the last
    product.
    """

    def __init__(self) -> None:
        super().__init__()
        self.uncounted: set[str] = set()
        self.multiplied_last: list[int] = []
        """Storages of the newest product."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        namespace, _, name = str(func).partition(".")  # such as aten.mm.default
        name = name.partition(".")[0]
        if isinstance(func, OpOverload) and (namespace not in TORCHS_OWN or name in UNCOUNTED):
            self.uncounted.add(f"{namespace}.{name}")
        if name in PRODUCTS:
            self.multiplied_last = [arg.untyped_storage()._cdata for arg in args if isinstance(arg, Tensor)]
        return func(*args, **(kwargs or {}))
