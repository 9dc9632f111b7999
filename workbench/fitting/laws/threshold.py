"""The threshold of an emergent skill: a metric that stays at chance, bends at a size N_c and saturates."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd

from workbench.errors import BadInput
from workbench.fitting.laws.base import Array, Law, Parameter, Separable

NARROWEST = 0.02
"""Least width, in natural-log units of size."""

LEAST_RISE = 0.01
"""A curve that rises less has no threshold to speak of."""


class Threshold(Law):
    """A sigmoid in log size between a floor and a ceiling; theta is (x_c, ln w, floor, rise over 1 − floor)."""

    name = "threshold"
    formula = "P(N) = floor + (ceiling - floor) * sigmoid((ln N - ln N_c)/width)"
    latex = r"P(N) = P_0 + (P_1 - P_0)\,\sigma\!\left(\frac{\ln N - \ln N_c}{w}\right)"
    citation = "Wei et al. 2022 (arXiv 2206.07682) for the phenomenon; the curve as corrected here"
    columns = ("n",)
    response = "value"
    log_response = False
    parameters = (
        Parameter("N_c", "size at which half the rise is done", "parameters", theta=(0,)),
        Parameter("width", "natural-log units of N over which the odds of the rise grow e-fold", "1", theta=(1,)),
        Parameter("floor", "the metric of a small model: chance", "1", 0.0, 1.0, theta=(2,)),
        Parameter("ceiling", "the metric of a large model", "1", 0.0, 1.0, theta=(3, 2)),
    )
    theta_names = ("ln N_c", "ln width", "floor", "share")
    nonlinear = (0, 1)

    def __init__(self, floor: float | None = None, half_span: float = 5.0) -> None:
        """`floor` fixes the floor, and so bounds the rise; `half_span` is half the range of ln N."""
        self.setting = {"floor": floor, "half_span": half_span}
        low, high = (0.0, 1.0) if floor is None else (floor, floor)
        place, width = (-2 * half_span, 2 * half_span), (float(np.log(NARROWEST)), float(np.log(4 * half_span)))
        self.theta_bounds = (place, width, (low, high), (LEAST_RISE, 1.0))

    @classmethod
    def setting_of(cls, table: pd.DataFrame) -> dict[str, Any]:
        """Half the range of ln N, and its chance level; a metric that is no share is refused."""
        value_M = table["value"].to_numpy(dtype=np.float64) if "value" in table else np.zeros(1)
        if ((value_M < 0) | (value_M > 1)).any():
            worst = value_M[(value_M < 0) | (value_M > 1)][0]
            raise BadInput(
                f"value is {worst:g}; a threshold is fitted to a share between 0 and 1, such as exact match."
            )
        name = "n" if "n" in table else "n_non_embedding"
        logs = np.log(table[name].dropna().to_numpy(dtype=np.float64)) if name in table else np.zeros(1)
        setting: dict[str, Any] = {"half_span": max(float(logs.max() - logs.min()) / 2, 0.5)}
        chance = table["chance"].dropna().unique() if "chance" in table else np.array([])
        if len(chance) > 1:
            raise BadInput(f"chance is {chance[0]:g} and {chance[1]:g}; one curve has one chance level.")
        return {**setting, "floor": float(chance[0])} if len(chance) else setting

    def configured(self, **setting: Any) -> Self:
        """The law of that `floor` and `half_span`."""
        floor, half_span = ({**self.setting, **self.known(setting)}[name] for name in ("floor", "half_span"))
        if floor is not None and not 0 <= floor < 1:
            raise BadInput(f"chance is {floor:g}; it must be at least 0 and below 1.")
        return type(self)(floor, half_span)

    def centre(self, x_MF: Array) -> Array:
        """The middle of the range, so that thresholds are sought equally far beyond both ends."""
        return np.asarray((x_MF.min(axis=0) + x_MF.max(axis=0)) / 2)

    def starts(self) -> Array:
        """Thresholds across the range × widths × ceilings."""
        (low, high), _, (floor, _), _ = self.theta_bounds
        return np.array(
            [
                (x, np.log(width), floor, share)
                for x in np.linspace(low / 2, high / 2, 9)
                for width in (0.1, 0.3, 1.0)
                for share in (0.5, 0.95)
            ]
        )

    def axes(self) -> tuple[Array, ...]:
        """Thresholds across the range, and half as far beyond it; widths from the least up."""
        (low, high), (narrow, wide), _, _ = self.theta_bounds
        return np.linspace(0.75 * low, 0.75 * high, 49), np.linspace(narrow, wide, 16)

    def separable(self, nodes_SK: Array, x_MF: Array) -> Separable | None:
        """Given threshold and width the metric is linear in floor and rise; not so where the floor is fixed."""
        low_P, high_P = self.bounds_2P
        if low_P[2] == high_P[2]:
            return None
        _, s_SM = self._sigmoid(nodes_SK, x_MF)

        def join(c_SQ: Array) -> Array:
            floor_S = np.clip(c_SQ[:, 0], low_P[2], high_P[2])
            share_S = c_SQ[:, 1] / np.maximum(1 - floor_S, 1e-9)
            return np.column_stack([nodes_SK, floor_S, np.clip(share_S, low_P[3], high_P[3])])

        return Separable((np.ones((1, 1)), s_SM), np.ones(len(nodes_SK)), join)

    def _sigmoid(self, theta_SP: Array, x_MF: Array) -> tuple[Array, Array]:
        z_SM = (x_MF[:, 0] - theta_SP[:, 0, None]) / np.exp(theta_SP[:, 1, None])
        return z_SM, 0.5 * (1 + np.tanh(0.5 * z_SM))

    def evaluate(self, theta_SP: Array, x_MF: Array) -> Array:
        """The metric itself, not its logarithm."""
        _, s_SM = self._sigmoid(theta_SP, x_MF)
        return theta_SP[:, 2, None] + self._rise(theta_SP) * s_SM

    @staticmethod
    def _rise(theta_SP: Array) -> Array:
        return ((1 - theta_SP[:, 2]) * theta_SP[:, 3])[:, None]

    def jacobian(self, theta_SP: Array, x_MF: Array) -> tuple[Array, Array]:
        """∂x_c = −rise·s(1−s)/w, ∂ln w = −rise·s(1−s)·z, ∂floor = 1 − share·s, ∂share = (1 − floor)·s."""
        z_SM, s_SM = self._sigmoid(theta_SP, x_MF)
        slope_SM = self._rise(theta_SP) * s_SM * (1 - s_SM)
        place_SM, width_SM = -slope_SM / np.exp(theta_SP[:, 1, None]), -slope_SM * z_SM
        floor_SM, share_SM = 1 - theta_SP[:, 3, None] * s_SM, (1 - theta_SP[:, 2, None]) * s_SM
        j_SPM = np.stack([place_SM, width_SM, floor_SM, share_SM], axis=1)
        return theta_SP[:, 2, None] + self._rise(theta_SP) * s_SM, j_SPM

    def to_params(self, theta_SP: Array, x_centre_F: Array, y_centre: float) -> dict[str, Array]:  # noqa: ARG002
        """N_c, width, floor, ceiling."""
        return {
            "N_c": np.exp(theta_SP[:, 0] + x_centre_F[0]),
            "width": np.exp(theta_SP[:, 1]),
            "floor": theta_SP[:, 2],
            "ceiling": theta_SP[:, 2] + (1 - theta_SP[:, 2]) * theta_SP[:, 3],
        }

    def from_params(self, params: Mapping[str, float], x_centre_F: Array, y_centre: float) -> Array:  # noqa: ARG002
        """The inverse of `to_params`."""
        place, width = np.log(params["N_c"]) - x_centre_F[0], np.log(params["width"])
        share = (params["ceiling"] - params["floor"]) / max(1 - params["floor"], 1e-9)
        return np.array([place, width, params["floor"], share])

    def predict(self, params: Mapping[str, Array | float], **columns: Array) -> Array:
        """The metric at `n` parameters."""
        z = (np.log(columns["n"]) - np.log(params["N_c"])) / params["width"]
        return np.asarray(params["floor"] + (params["ceiling"] - params["floor"]) * 0.5 * (1 + np.tanh(0.5 * z)))
