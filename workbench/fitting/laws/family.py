"""Families of runs (architectures, optimizers, corpora) that share exponents and differ by what a FLOP is worth.

L_g(N, D) = E + κ_g^(−γ)·(A/N^α + B/D^β) with γ = αβ/(α+β). Proof that κ_g multiplies compute: the least of
A/N^α + B/D^β at N·D = C/6 is G·C^(−γ), G free of C (Hoffmann et al. 2022, eq. 4); hence the frontier of g is
E + κ_g^(−γ)·G·C^(−γ) = E + G·(κ_g C)^(−γ), which is the reference's at κ_g·C. Both terms shrink alike, so that N_opt(C)
is the same for all groups.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from workbench.fitting.laws.base import Array, Local, Parameter, Separable
from workbench.fitting.laws.grouped import Grouped
from workbench.fitting.laws.powers import EXPONENTS, power

MULTIPLIER = 12.0
"""Bound of ln κ either side of zero."""


class Family(Grouped):
    """One irreducible loss for all groups; theta is ln E, ln A, ln B, α, β, and ln κ of all but the reference."""

    name = "family"
    formula = "L_g(N, D) = E + kappa_g^(-gamma)*(A/N^alpha + B/D^beta), gamma = alpha*beta/(alpha + beta)"
    latex = (
        r"L_g(N, D) = E + \kappa_g^{-\gamma}\left(\frac{A}{N^{\alpha}} + \frac{B}{D^{\beta}}\right),\quad "
        r"\gamma = \frac{\alpha\beta}{\alpha+\beta},\ \kappa_1 = 1"
    )
    citation = "Hoffmann et al. 2022 (arXiv 2203.15556), eq. 2 and 4, with a compute multiplier for each group"
    shared_floor: ClassVar[bool] = True

    def __init__(self, groups: Sequence[str] = ("a", "b")) -> None:
        """`groups` by name, the reference first."""
        super().__init__(groups)
        floors = ("E",) if self.shared_floor else tuple(f"E_{group}" for group in self.groups)
        self.floors = n = len(floors)
        others, reference = self.groups[1:], self.groups[0]
        multipliers = (
            Parameter(f"multiplier_{group}", f"FLOPs of {reference} that one of {group} is worth", "1", theta=(i,))
            for i, group in enumerate(others, n + 4)
        )
        self.parameters = (
            *(Parameter(floor, "irreducible loss", "nats per token", theta=(i,)) for i, floor in enumerate(floors)),
            Parameter(
                "A", f"amplitude of the term of size in {reference}", "nats · parameters^alpha", theta=(n, n + 2)
            ),
            Parameter("B", f"amplitude of the term of data in {reference}", "nats · tokens^beta", theta=(n + 1, n + 3)),
            Parameter("alpha", "exponent of model size", "1", 0.01, 2.5, theta=(n + 2,)),
            Parameter("beta", "exponent of data", "1", 0.01, 2.5, theta=(n + 3,)),
            *multipliers,
        )
        self.theta_names = (
            *(f"ln {floor}" for floor in floors),
            "ln A",
            "ln B",
            "alpha",
            "beta",
            *(f"ln multiplier_{group}" for group in others),
        )
        amplitude, exponent = (-10.0, 3.0), (0.01, 2.5)
        worth = ((-MULTIPLIER, MULTIPLIER),) * len(others)
        self.theta_bounds = (*((-8.0, 1.0),) * n, amplitude, amplitude, exponent, exponent, *worth)
        self.nonlinear = tuple(range(n + 2, n + 4 + len(others)))

    def starts(self) -> Array:
        """Chinchilla's shares × exponents, fewer of them, with all multipliers 1: 2 × 2 × 3 × 3 = 36 starts."""
        ones = [0.0] * (len(self.groups) - 1)
        return np.array(
            [
                (*[np.log(e)] * self.floors, np.log((1 - e) * share), np.log((1 - e) * (1 - share)), alpha, beta, *ones)
                for e in (0.3, 0.75)
                for share in (0.3, 0.7)
                for alpha in (0.15, 0.35, 0.8)
                for beta in (0.15, 0.35, 0.8)
            ]
        )

    def axes(self) -> tuple[Array, ...]:
        """Values of both exponents, and multipliers from 1/50 to 50."""
        multipliers = np.log(np.geomspace(0.02, 50.0, 15))
        return (EXPONENTS, EXPONENTS, *(multipliers,) * (len(self.groups) - 1))

    def _group_bases(self, x_MF: Array) -> list[Array]:
        """What each irreducible loss is multiplied by, (M,): 1, or whether a row is of its group."""
        if self.shared_floor:
            return [np.ones(len(x_MF))]
        return list(self._members(x_MF))

    def separable(self, nodes_SK: Array, x_MF: Array) -> Separable:
        """Given exponents and multipliers, L is linear in each E, A and B."""
        alpha, beta = nodes_SK[:, 0, None], nodes_SK[:, 1, None]
        worth_SM = -(alpha * beta / (alpha + beta)) * (nodes_SK[:, 2:] @ x_MF[:, 2:].T)
        powers = [np.exp(worth_SM - s * x_MF[:, i]) for i, s in enumerate((alpha, beta))]
        basis = (*(one_M[None] for one_M in self._group_bases(x_MF)), *powers)
        return Separable(basis, np.ones(len(nodes_SK)), lambda t_SQ: np.column_stack([t_SQ, nodes_SK]))

    def evaluate(self, theta_SP: Array, x_MF: Array) -> Array:
        """The logarithm of the three terms' sum."""
        floor_SM, size_SM, data_SM = self._terms(theta_SP, x_MF)
        return np.log(floor_SM + size_SM + data_SM)

    def _terms(self, theta_SP: Array, x_MF: Array) -> tuple[Array, Array, Array]:
        """The irreducible loss of each row's group, and the terms of size and data."""
        n = self.floors
        a, b, alpha, beta = (theta_SP[:, n + i, None] for i in range(4))
        worth_SM = -alpha * beta / (alpha + beta) * (theta_SP[:, n + 4 :] @ x_MF[:, 2:].T)
        floor_SM = np.exp(theta_SP[:, :n] @ np.stack(self._group_bases(x_MF)))
        return floor_SM, np.exp(a - alpha * x_MF[:, 0] + worth_SM), np.exp(b - beta * x_MF[:, 1] + worth_SM)

    def jacobian(self, theta_SP: Array, x_MF: Array) -> tuple[Array, Array]:
        """p, q the shares of size and data, r = p + q, λ = ln κ: ∂α = −p x − r λ ∂γ/∂α, ∂λ = −r γ in its group."""
        total_SM, j_SPM, _ = self._slopes(theta_SP, x_MF)
        return np.log(total_SM), j_SPM

    def _slopes(self, theta_SP: Array, x_MF: Array) -> tuple[Array, Array, tuple[tuple[Array, Array], ...]]:
        """L, the jacobian of ln L, and for size and data their share of L and the gradient of their logit."""
        n, terms = self.floors, self._terms(theta_SP, x_MF)
        total_SM = terms[0] + terms[1] + terms[2]
        alpha, beta = theta_SP[:, n + 2, None], theta_SP[:, n + 3, None]
        total, ln_k_SM = alpha + beta, theta_SP[:, n + 4 :] @ x_MF[:, 2:].T
        # The gradient of h = −γ ln κ, which both logits have, then what each has of its own.
        size_SPM = np.zeros((len(theta_SP), theta_SP.shape[1], len(x_MF)))
        size_SPM[:, n + 2], size_SPM[:, n + 3] = -((beta / total) ** 2) * ln_k_SM, -((alpha / total) ** 2) * ln_k_SM
        size_SPM[:, n + 4 :] = -(alpha * beta / total)[:, :, None] * x_MF[:, 2:].T
        data_SPM = size_SPM.copy()
        size_SPM[:, n], data_SPM[:, n + 1] = 1.0, 1.0
        size_SPM[:, n + 2] -= x_MF[:, 0]
        data_SPM[:, n + 3] -= x_MF[:, 1]
        p_SM, q_SM = terms[1] / total_SM, terms[2] / total_SM
        j_SPM = p_SM[:, None] * size_SPM + q_SM[:, None] * data_SPM
        j_SPM[:, :n] = (terms[0] / total_SM)[:, None] * np.stack(self._group_bases(x_MF))
        return total_SM, j_SPM, ((p_SM, size_SPM), (q_SM, data_SPM))

    def local(self, theta_SP: Array, x_MF: Array) -> Local:
        """∇²f = Σ_k share_k z_k z_kᵀ + r ∇²h − ∇f ∇fᵀ, z_k the gradient of term k's logit and h = −γ ln κ."""
        n = self.floors
        total_SM, j_SPM, parts = self._slopes(theta_SP, x_MF)

        def second(b_SM: Array, v_SM: Array) -> Array:
            out_SPP = (j_SPM * (b_SM + v_SM)[:, None]) @ j_SPM.transpose(0, 2, 1)
            for share_SM, z_SPM in parts:
                out_SPP -= (z_SPM * (v_SM * share_SM)[:, None]) @ z_SPM.transpose(0, 2, 1)
            floors = np.arange(n)
            out_SPP[:, floors, floors] -= (j_SPM[:, :n] @ v_SM[:, :, None])[:, :, 0]
            # h = −γ(α, β)·ln κ, with γ_αα = −2β²/(α+β)³ and γ_αβ = 2αβ/(α+β)³; ln κ enters once.
            pull_SG = (v_SM * (parts[0][0] + parts[1][0])) @ x_MF[:, 2:]
            bent_S = (pull_SG * theta_SP[:, n + 4 :]).sum(axis=1)
            (alpha, beta), i, j = theta_SP[:, n + 2 : n + 4].T, n + 2, n + 3
            total = alpha + beta
            out_SPP[:, i, i] -= bent_S * 2 * beta**2 / total**3
            out_SPP[:, j, j] -= bent_S * 2 * alpha**2 / total**3
            for row, column in ((i, j), (j, i)):
                out_SPP[:, row, column] += bent_S * 2 * alpha * beta / total**3
            for row, slope in ((i, (beta / total) ** 2), (j, (alpha / total) ** 2)):
                out_SPP[:, row, n + 4 :] += pull_SG * slope[:, None]
                out_SPP[:, n + 4 :, row] += pull_SG * slope[:, None]
            return np.asarray(out_SPP)

        return Local.of(np.log(total_SM), j_SPM, second)

    def to_params(self, theta_SP: Array, x_centre_F: Array, y_centre: float) -> dict[str, Array]:
        """Each E, then A, B, alpha, beta, and the multipliers."""
        n = self.floors
        a, b, alpha, beta = theta_SP[:, n : n + 4].T
        floors = {parameter.name: np.exp(theta_SP[:, i] + y_centre) for i, parameter in enumerate(self.parameters[:n])}
        multipliers = {f"multiplier_{name}": np.exp(theta_SP[:, n + 4 + i]) for i, name in enumerate(self.groups[1:])}
        a, b = a + y_centre + alpha * x_centre_F[0], b + y_centre + beta * x_centre_F[1]
        return {**floors, "A": np.exp(a), "B": np.exp(b), "alpha": alpha, "beta": beta, **multipliers}

    def from_params(self, params: Mapping[str, float], x_centre_F: Array, y_centre: float) -> Array:
        """The inverse of `to_params`."""
        alpha, beta = params["alpha"], params["beta"]
        floors = [np.log(params[parameter.name]) - y_centre for parameter in self.parameters[: self.floors]]
        a = np.log(params["A"]) - y_centre - alpha * x_centre_F[0]
        b = np.log(params["B"]) - y_centre - beta * x_centre_F[1]
        multipliers = [np.log(params[f"multiplier_{group}"]) for group in self.groups[1:]]
        return np.array([*floors, a, b, alpha, beta, *multipliers])

    def predict(self, params: Mapping[str, Array | float], **columns: Any) -> Array:
        """The loss at `n` parameters and `d` tokens in `group`: one name, or one a row; the reference if left out."""
        alpha, beta = params["alpha"], params["beta"]
        group = columns.get("group", self.groups[0])
        floor = params["E"] if self.shared_floor else self._own([params[f"E_{name}"] for name in self.groups], group)
        worth = self._own([1.0, *(params[f"multiplier_{name}"] for name in self.groups[1:])], group)
        terms = params["A"] * power(columns["n"], alpha) + params["B"] * power(columns["d"], beta)
        return np.asarray(floor + worth ** (-alpha * beta / (alpha + beta)) * terms)

    def balance(self, params: Mapping[str, Array]) -> tuple[Array, Array, Array, Array]:
        """The reference's two terms; the others' are proportional to them."""
        return np.log(params["A"]), params["alpha"], np.log(params["B"]), params["beta"]


class FamilyCorpora(Family):
    """The same with an irreducible loss of each group, as corpora have their own entropy."""

    name = "family-corpora"
    formula = "L_g(N, D) = E_g + kappa_g^(-gamma)*(A/N^alpha + B/D^beta), gamma = alpha*beta/(alpha + beta)"
    latex = Family.latex.replace("= E +", "= E_g +")
    shared_floor = False
