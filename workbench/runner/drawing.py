"""The points of a drawn design: the same definition draws the same points, always. Free of torch."""

import types
import typing
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel

from workbench.runner.fields import full, plain
from workbench.runner.ranges import Range
from workbench.training.config import HORIZONS, RunConfig

if TYPE_CHECKING:
    from workbench.runner.design import Design


def drawn(design: "Design", sizes: Sequence[str]) -> list[dict[str, Any]]:
    """Field → value of each drawn point. Where there are several sizes, and no field is `size`, it is one more choice.

    Fields are drawn in the order of their names, so that the order in a file does not matter. The points of a random
    design are drawn one after another: more `draws` keep the first ones. A Latin hypercube has one point in every one
    of `draws` even slices of each field (McKay, Beckman & Conover 1979), as SciPy draws it.
    """
    assert design.draws is not None
    fields: dict[str, Range | tuple[Any, ...]] = dict(design.fields)
    if len(sizes) > 1:
        fields.setdefault("size", tuple(sizes))
    names = sorted(fields)
    rng = np.random.default_rng(design.seed)
    if design.type == "random":
        shares_MF = rng.random((design.draws, len(names)))
    else:
        from scipy.stats import qmc

        shares_MF = qmc.LatinHypercube(len(names), rng=rng).random(design.draws)
    kinds = [is_whole(name, fields[name]) for name in names]
    return [
        {name: _value(fields[name], share, whole) for name, share, whole in zip(names, row, kinds, strict=True)}
        for row in shares_MF.tolist()
    ]


def _value(values: Range | tuple[Any, ...], share: float, whole: bool) -> Any:
    if isinstance(values, Range):
        return values.at(share, whole)
    return values[min(int(share * len(values)), len(values) - 1)]


def is_whole(name: str, values: Range | tuple[Any, ...]) -> bool:
    """Whether a range is of whole numbers: where the field is one; of a field we do not know, where its ends are."""
    if not isinstance(values, Range):
        return False
    kinds = _kinds(f"train.{plain(name)}" if plain(name) in HORIZONS else full(name))
    if not kinds:
        return isinstance(values.low, int) and isinstance(values.high, int)
    return int in kinds and float not in kinds


def _kinds(name: str) -> set[type]:
    """The types that a run's field may have; none of one that is not in `RunConfig`."""
    if name == "seed":
        return {int}
    annotation: Any = RunConfig
    for part in name.split("."):
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return set()
        found = annotation.model_fields.get(part)
        annotation = found.annotation if found else None
    return _leaves(annotation)


def _leaves(annotation: Any) -> set[type]:
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _leaves(inner[0])
    if origin in (typing.Union, types.UnionType):
        return {kind for part in inner for kind in _leaves(part)}
    return {annotation} if annotation in (int, float) else set()
