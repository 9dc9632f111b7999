"""Smoothly broken power laws: straight pieces in log-log axes, joined by bends of their own sharpness.

y = a + b·x^(−c_0)·Π_i (1 + (x/d_i)^(1/f_i))^(−c_i f_i): past the bend at d_i the slope is steeper by c_i (less steep
where c_i is negative), and f_i is how wide the bend is in ln x.
"""

from collections.abc import Mapping
from itertools import combinations, product
from typing import ClassVar, Self

import numpy as np

from workbench.errors import BadInput
from workbench.fitting.laws.base import Array, Law, Parameter, Separable

SLOPE, CHANGE, PLACE = 3.0, 10.0, 12.0
"""Bounds, either side of zero, of c_0, c_i and ln d_i, the last from the centre of the data."""

WIDTHS = (0.02, 10.0)
"""Bounds of f_i."""

MOST = 4
"""Bends at most: each takes three parameters, and a table that determines more is hard to imagine."""


class Broken(Law):
    """y(x) with `breaks` bends; theta is ln a, ln b, c_0, then c_i, ln d_i, ln f_i for each."""

    name_of_x: ClassVar[str]
    unit_of_x: ClassVar[str]

    def __init__(self, breaks: int = 1) -> None:
        if not 1 <= breaks <= MOST:
            raise BadInput(f"breaks is {breaks}; {self.name} takes 1 to {MOST}.")
        self.breaks, self.setting = breaks, {"breaks": breaks}
        x, numbers = self.unit_of_x, range(1, breaks + 1)
        own = [
            (
                Parameter(f"c_{i}", f"change of the exponent past bend {i}", "1", -CHANGE, CHANGE, theta=(3 * i,)),
                Parameter(f"d_{i}", f"where bend {i} lies", x, theta=(3 * i + 1,)),
                Parameter(f"f_{i}", f"width of bend {i} in ln {self.name_of_x}", "1", *WIDTHS, theta=(3 * i + 2,)),
            )
            for i in numbers
        ]
        self.parameters = (
            Parameter("a", "limit of the loss", "nats per token", theta=(0,)),
            Parameter("b", f"amplitude of the first piece, less a, at one of {x}", f"nats · {x}^c_0", theta=(1, 2)),
            Parameter("c_0", "exponent of the first piece", "1", -SLOPE, SLOPE, theta=(2,)),
            *(parameter for three in own for parameter in three),
        )
        self.theta_names = (
            "ln a",
            "ln b",
            "c_0",
            *(name for i in numbers for name in (f"c_{i}", f"ln d_{i}", f"ln f_{i}")),
        )
        low, high = (float(np.log(width)) for width in WIDTHS)
        bend = ((-CHANGE, CHANGE), (-PLACE, PLACE), (low, high))
        self.theta_bounds = ((-8.0, 1.0), (-15.0, 15.0), (-SLOPE, SLOPE), *(bend * breaks))
        self.nonlinear = tuple(range(2, 3 + 3 * breaks))

    def configured(self, **setting: object) -> Self:
        """With `breaks` bends."""
        return type(self)(int(str(self.known(setting).get("breaks", self.breaks))))

    def starts(self) -> Array:
        """Shares of a × first exponents × places of the bends × signs of the changes × widths.

        With one bend 2 × 2 × 5 × 3 × 2 = 120 starts; with two 2 × 1 × 10 × 4 × 1 = 80.
        """
        one = self.breaks == 1
        places = combinations(np.linspace(-3.0, 3.0, 5), self.breaks)
        alternating = [
            [0.5 * (-1) ** (i * turns + first) for i in range(self.breaks)] for turns in (0, 1) for first in (0, 1)
        ]
        changes = [[-0.3], [0.3], [1.0]] if one else alternating
        shares, slopes, widths = (0.05, 0.6), (0.05, 0.3) if one else (0.15,), (0.2, 1.0) if one else (0.4,)
        rows = []
        for share, slope, place, change, width in product(shares, slopes, places, changes, widths):
            # The amplitude that makes the whole 1 at the centre of the data, where the bends count too.
            bend = sum(c * width * np.logaddexp(0.0, -d / width) for c, d in zip(change, place, strict=True))
            three = [(c, d, np.log(width)) for c, d in zip(change, place, strict=True)]
            rows.append([np.log(share), np.clip(np.log(1 - share) + bend, -15.0, 15.0), slope, *np.ravel(three)])
        return np.array(rows)

    def axes(self) -> tuple[Array, ...]:
        """Values of c_0 and of each bend's three."""
        bend = (np.linspace(-1.0, 2.0, 7), np.linspace(-4.0, 4.0, 9), np.log([0.1, 0.5, 2.0]))
        return (np.linspace(-0.5, 1.0, 7), *(bend * self.breaks))

    def _bends(self, entries_SK: Array, x_MF: Array) -> tuple[Array, list[tuple[Array, ...]]]:
        """ln of x^(−c_0)·Π…, and of each bend c, f, z = (x − ln d)/f, ln(1 + e^z), its slope; entries from c_0 on."""
        x_M = x_MF[:, 0]
        total_SM = -entries_SK[:, 0, None] * x_M
        bends: list[tuple[Array, ...]] = []
        for i in range(self.breaks):
            c, place, ln_f = (entries_SK[:, 1 + 3 * i + k, None] for k in range(3))
            f = np.exp(ln_f)
            z_SM = (x_M - place) / f
            soft_SM = np.logaddexp(0.0, z_SM)
            total_SM = total_SM - c * f * soft_SM
            bends.append((c, f, z_SM, soft_SM, np.exp(z_SM - soft_SM)))
        return np.asarray(total_SM), bends

    def separable(self, nodes_SK: Array, x_MF: Array) -> Separable:
        """Given exponents and bends, y is linear in a and b."""
        basis = (np.ones((1, 1)), np.exp(np.clip(self._bends(nodes_SK, x_MF)[0], -600.0, 600.0)))
        return Separable(basis, np.ones(len(nodes_SK)), lambda t_SQ: np.column_stack([t_SQ, nodes_SK]))

    def evaluate(self, theta_SP: Array, x_MF: Array) -> Array:
        """The logarithm of a and the broken power together."""
        return np.logaddexp(theta_SP[:, 0, None], theta_SP[:, 1, None] + self._bends(theta_SP[:, 2:], x_MF)[0])

    def jacobian(self, theta_SP: Array, x_MF: Array) -> tuple[Array, Array]:
        """p the power's share, s = ln(1 + e^z), σ its slope: ∂c = −p f s, ∂ln d = p c σ, ∂ln f = p c f (σz − s)."""
        log_SM, bends = self._bends(theta_SP[:, 2:], x_MF)
        log_SM = theta_SP[:, 1, None] + log_SM
        f_SM = np.logaddexp(theta_SP[:, 0, None], log_SM)
        p_SM = np.exp(log_SM - f_SM)
        rows = [np.exp(theta_SP[:, 0, None] - f_SM), p_SM, -p_SM * x_MF[:, 0]]
        for c, f, z_SM, soft_SM, slope_SM in bends:
            rows += [-p_SM * f * soft_SM, p_SM * c * slope_SM, p_SM * c * f * (slope_SM * z_SM - soft_SM)]
        return f_SM, np.stack(rows, axis=1)

    def to_params(self, theta_SP: Array, x_centre_F: Array, y_centre: float) -> dict[str, Array]:
        """a, b, c_0 and the bends in the order of their places."""
        a, b, c0 = theta_SP[:, :3].T
        bends_S3B = theta_SP[:, 3:].reshape(len(theta_SP), self.breaks, 3).transpose(0, 2, 1)
        order_SB = np.argsort(bends_S3B[:, 1], axis=1, kind="stable")
        found = {
            "a": np.exp(a + y_centre),
            "b": np.exp(np.clip(b + y_centre + c0 * x_centre_F[0], -700.0, 700.0)),
            "c_0": c0,
        }
        for i in range(self.breaks):
            c, place, ln_f = (bends_S3B[np.arange(len(theta_SP)), k, order_SB[:, i]] for k in range(3))
            found |= {f"c_{i + 1}": c, f"d_{i + 1}": np.exp(place + x_centre_F[0]), f"f_{i + 1}": np.exp(ln_f)}
        return found

    def from_params(self, params: Mapping[str, float], x_centre_F: Array, y_centre: float) -> Array:
        """The inverse of `to_params`."""
        c0 = params["c_0"]
        theta = [np.log(params["a"]) - y_centre, np.log(params["b"]) - y_centre - c0 * x_centre_F[0], c0]
        for i in range(1, self.breaks + 1):
            theta += [params[f"c_{i}"], np.log(params[f"d_{i}"]) - x_centre_F[0], np.log(params[f"f_{i}"])]
        return np.array(theta)

    def predict(self, params: Mapping[str, Array | float], **columns: Array) -> Array:
        """The loss at the law's column; the factors in logarithms, since (x/d)^(1/f) may be larger than any number."""
        ln_x = np.log(columns[self.columns[0]])
        log = np.log(params["b"]) - params["c_0"] * ln_x
        for i in range(1, self.breaks + 1):
            c, d, f = (params[f"{letter}_{i}"] for letter in "cdf")
            log = log - c * f * np.logaddexp(0.0, (ln_x - np.log(d)) / f)
        return np.asarray(params["a"] + np.exp(log))

    def derived(self, params: Mapping[str, Array]) -> dict[str, Array]:
        """The exponent past each bend: c_0 + … + c_i."""
        total = params["c_0"]
        found = {}
        for i in range(1, self.breaks + 1):
            total = total + params[f"c_{i}"]
            found[f"exponent_past_{i}"] = total
        return found


def _latex(x: str) -> str:
    return rf"L({x}) = a + b\,{x}^{{-c_0}} \prod_i \left(1 + \left({x}/d_i\right)^{{1/f_i}}\right)^{{-c_i f_i}}"


_FORMULA = "L({x}) = a + b*{x}^(-c_0) * prod_i (1 + ({x}/d_i)^(1/f_i))^(-c_i*f_i)"
_CITATION = "Caballero et al. 2023 (arXiv 2210.14891), eq. 1"


class BrokenN(Broken):
    """In model size."""

    name, columns, name_of_x, unit_of_x = "broken-n", ("n",), "N", "parameters"
    formula, latex, citation = _FORMULA.format(x="N"), _latex("N"), _CITATION


class BrokenD(Broken):
    """In tokens."""

    name, columns, name_of_x, unit_of_x = "broken-d", ("d",), "D", "tokens"
    formula, latex, citation = _FORMULA.format(x="D"), _latex("D"), _CITATION


class BrokenC(Broken):
    """In compute."""

    name, columns, name_of_x, unit_of_x = "broken-c", ("c",), "C", "FLOPs"
    formula, latex, citation = _FORMULA.format(x="C"), _latex("C"), _CITATION
