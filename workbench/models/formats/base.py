"""What a checkpoint format is: how a config.json and its tensors stand for ours. One description serves both ways.

Shapes: H query heads, K width of a head, D width; a matrix of ours has a row for each output.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from workbench.models.config import ModelConfig
from workbench.models.formats.keys import Keys
from workbench.validation import shown


@dataclass(frozen=True)
class Layout:
    """How one of our tensors is stored, and how it is read back."""

    write: Callable[[Tensor], tuple[Tensor, ...]]
    """Ours → theirs."""
    read: Callable[[tuple[Tensor, ...]], Tensor]
    """Theirs → ours."""


SAME = Layout(lambda ours: (ours,), lambda theirs: theirs[0])
TRANSPOSED = Layout(lambda ours: (ours.t(),), lambda theirs: theirs[0].t())
"""A column for each output; a bias, which has one dimension, is the same."""


def stacked(*rows: int) -> Layout:
    """Ours is theirs below one another, each of so many rows."""
    return Layout(lambda ours: ours.split(rows), torch.cat)


def by_head(n_head: int) -> Layout:
    """Theirs has the 3·K rows of head 0, then of head 1, …; ours all queries (H·K rows), all keys, all values."""

    def swapped(tensor: Tensor, *groups: int) -> Tensor:
        return tensor.unflatten(0, (*groups, -1)).transpose(0, 1).flatten(0, 2)

    return Layout(lambda ours: (swapped(ours, 3, n_head),), lambda theirs: swapped(theirs[0], n_head, 3))


@dataclass(frozen=True)
class Link:
    """One tensor of our state dict, and the tensors that stand for it."""

    ours: str
    theirs: tuple[str, ...]
    layout: Layout = SAME


def links_of(ours: str, *theirs: str, layout: Layout = SAME, bias: bool) -> list[Link]:
    """The weight of a module, and its bias where it has one."""
    parts = ("weight", "bias") if bias else ("weight",)
    return [Link(f"{ours}.{part}", tuple(f"{name}.{part}" for name in theirs), layout) for part in parts]


class Mismatch(NamedTuple):
    """A field of a configuration that a format cannot hold."""

    field: str
    value: Any
    right: str
    """What the format could hold in its place, in words."""


TRAINING_ONLY = frozenset({"init_std", "residual_init", "dropout"})
"""Fields that change nothing in a trained model's logits."""


@dataclass(frozen=True)
class Format:
    """One architecture of `transformers`."""

    model_type: str
    """Its name in config.json."""
    title: str
    """Its name in a sentence."""
    architecture: str
    """The class that opens it."""
    prefix: str
    """What the names of all tensors but the head begin with; checkpoints of the bare body leave it out."""
    head: str
    """The output head; absent where it is the token embedding."""
    heads: frozenset[str]
    """All names that it has had."""
    buffers: re.Pattern[str]
    """Tensors that old checkpoints hold beside the weights, and that follow from config.json."""
    defaults: Mapping[str, Any]
    """Keys of config.json that may be left out, and what they then are."""
    needs: Mapping[str, tuple[Any, ...]]
    """Our field → the values that the format can hold."""
    holds: frozenset[str]
    """Our fields of which it can hold any value, as far as `shapes` does not object."""
    shapes: Callable[[ModelConfig], list[Mismatch]]
    """What more does not fit, field against field."""
    fields: Callable[[Keys], dict[str, Any]]
    """config.json → the fields of `ModelConfig`."""
    document: Callable[[ModelConfig], dict[str, Any]]
    """`ModelConfig` → the keys of config.json."""
    links: Callable[[ModelConfig], list[Link]]
    """Every tensor of our state dict but an untied head."""

    def all_links(self, config: ModelConfig) -> list[Link]:
        """Every tensor of our state dict."""
        head = [] if config.tie_embeddings else [Link("head.weight", (self.head,))]
        return self.links(config) + head

    def mismatches(self, config: ModelConfig) -> list[Mismatch]:
        """The fields that the format cannot hold. A field it has never heard of must have its default."""
        found = [
            Mismatch(field, getattr(config, field), " or ".join(map(shown, right)))
            for field, right in self.needs.items()
            if getattr(config, field) not in right
        ]
        known = self.needs.keys() | self.holds | TRAINING_ONLY
        found += [
            Mismatch(name, getattr(config, name), shown(field.default))
            for name, field in type(config).model_fields.items()
            if name not in known and getattr(config, name) != field.default
        ]
        return found + self.shapes(config)
