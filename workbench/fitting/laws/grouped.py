"""Laws of runs in groups (sweeps, architectures, optimizers, corpora): what they make of the column `group`."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from workbench.errors import BadInput
from workbench.fitting.laws.base import Array, Law


class Grouped(Law):
    """A law of N, D and the group; its `groups` by name, the reference first."""

    columns = ("n", "d", "group")

    def __init__(self, groups: Sequence[str] = ("a", "b")) -> None:
        self.groups = tuple(str(group) for group in groups)
        if len(self.groups) < 2:
            from workbench.fitting.record import NotIdentifiable  # the record knows the laws

            raise NotIdentifiable(f"{self.name} compares two groups or more; the column group has {len(self.groups)}.")
        self.setting = {"groups": list(self.groups)}

    @classmethod
    def setting_of(cls, table: pd.DataFrame) -> dict[str, Any]:
        """The groups, the one with most rows first (ties by name): it is the reference."""
        if "group" not in table:
            return {}
        counts = table["group"].dropna().astype(str).value_counts()
        return {"groups": sorted(counts.index, key=lambda group: (-counts[group], group))}

    def configured(self, **setting: Any) -> Self:
        """The law of `groups`."""
        return type(self)(self.known(setting).get("groups", self.groups))

    def features(self, columns: Mapping[str, Any]) -> Array:
        """Ln N, ln D, and 1 in the column of the row's group, the reference's left out."""
        which_M = self._which(columns["group"])
        one_hot = which_M[:, None] == np.arange(1, len(self.groups))
        return np.column_stack([np.log(columns["n"]), np.log(columns["d"]), one_hot.astype(np.float64)])

    def _which(self, group: Any) -> np.ndarray:
        """The index of each row's group."""
        names = np.atleast_1d(np.asarray(group, dtype=object)).astype(str)
        unknown = sorted(set(names.tolist()) - set(self.groups))
        if unknown:
            raise BadInput(f"group is '{unknown[0]}'; {self.name} was fitted to {', '.join(self.groups)}.")
        place = {name: i for i, name in enumerate(self.groups)}
        return np.array([place[name] for name in names.tolist()])

    def centre(self, x_MF: Array) -> Array:
        """Means of ln N and ln D; groups are not moved."""
        return np.concatenate([x_MF[:, :2].mean(axis=0), np.zeros(x_MF.shape[1] - 2)])

    def _members(self, x_MF: Array) -> Array:
        """Whether a row is of a group, (G, M)."""
        return np.stack([1 - x_MF[:, 2:].sum(axis=1), *x_MF[:, 2:].T])

    def _own(self, values: Sequence[Array | float], group: Any) -> Array:
        """Of a value for each group, the row's own; one group by name keeps the shape of its value."""
        which = self._which(group)
        if np.ndim(group) == 0:
            return np.asarray(values[which[0]])
        return np.asarray(sum(np.asarray(value) * (which == i) for i, value in enumerate(values)))

    def derived(self, params: Mapping[str, Array]) -> dict[str, Array]:
        """N_opt ∝ C^a and D_opt ∝ C^b in every group, and γ, the exponent of the frontier's reducible loss."""
        total = params["alpha"] + params["beta"]
        shares = {"a": params["beta"] / total, "b": params["alpha"] / total}
        return {**shares, "gamma": params["alpha"] * params["beta"] / total}
