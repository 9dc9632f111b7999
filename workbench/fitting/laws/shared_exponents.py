"""Groups of runs that share the exponents of size and data, each with its own amplitudes.

L_g(N, D) = E_g + A_g/N^α + B_g/D^β. At C = k N D the least reducible loss of a group is G_g·C^(−γ) with γ = αβ/(α+β)
(Hoffmann et al. 2022, eq. 4): with one E for all groups, the compute that one needs over another's for the same loss is
the same at every loss. `family` is the case in which A and B differ by one factor; then N_opt is the same too.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from workbench.fitting.laws.base import Array, Local, Parameter, Separable
from workbench.fitting.laws.grouped import Grouped
from workbench.fitting.laws.powers import EXPONENTS, power


class SharedExponents(Grouped):
    """One irreducible loss for all groups; theta is ln E, ln A of each group, ln B of each group, α, β."""

    name = "shared-exponents"
    formula = "L_g(N, D) = E + A_g/N^alpha + B_g/D^beta"
    latex = r"L_g(N, D) = E + \frac{A_g}{N^{\alpha}} + \frac{B_g}{D^{\beta}}"
    citation = "Hoffmann et al. 2022 (arXiv 2203.15556), eq. 2, with amplitudes for each group"
    shared_floor: ClassVar[bool] = True

    def __init__(self, groups: Sequence[str] = ("a", "b")) -> None:
        """`groups` by name, the reference first."""
        super().__init__(groups)
        floors = ("E",) if self.shared_floor else tuple(f"E_{group}" for group in self.groups)
        n, many = len(floors), len(self.groups)
        self.floors, self.alpha = n, n + 2 * many
        self.parameters = (
            *(Parameter(floor, "irreducible loss", "nats per token", theta=(i,)) for i, floor in enumerate(floors)),
            *(
                Parameter(
                    f"A_{group}", f"amplitude of the term of size in {group}", "nats · parameters^alpha",
                    theta=(n + g, self.alpha),
                )
                for g, group in enumerate(self.groups)
            ),
            *(
                Parameter(
                    f"B_{group}", f"amplitude of the term of data in {group}", "nats · tokens^beta",
                    theta=(n + many + g, self.alpha + 1),
                )
                for g, group in enumerate(self.groups)
            ),
            Parameter("alpha", "exponent of model size", "1", 0.01, 2.5, theta=(self.alpha,)),
            Parameter("beta", "exponent of data", "1", 0.01, 2.5, theta=(self.alpha + 1,)),
        )  # fmt: skip
        self.theta_names = (*(f"ln {one.name}" for one in self.parameters[: self.alpha]), "alpha", "beta")
        self.theta_bounds = (*((-8.0, 1.0),) * n, *((-10.0, 3.0),) * (2 * many), (0.01, 2.5), (0.01, 2.5))
        self.nonlinear = (self.alpha, self.alpha + 1)

    def starts(self) -> Array:
        """Chinchilla's shares × exponents, the same in every group: 2 × 2 × 3 × 3 = 36 starts."""
        many = len(self.groups)
        return np.array(
            [
                (
                    *[np.log(e)] * self.floors,
                    *[np.log((1 - e) * share)] * many,
                    *[np.log((1 - e) * (1 - share))] * many,
                    alpha,
                    beta,
                )
                for e in (0.3, 0.75)
                for share in (0.3, 0.7)
                for alpha in (0.15, 0.35, 0.8)
                for beta in (0.15, 0.35, 0.8)
            ]
        )

    def axes(self) -> tuple[Array, ...]:
        """Values of both exponents."""
        return EXPONENTS, EXPONENTS

    def _bases(self, x_MF: Array) -> tuple[Array, Array]:
        """What each irreducible loss and each amplitude is of: all rows, or those of its group."""
        members_GM = self._members(x_MF)
        return (np.ones((1, len(x_MF))) if self.shared_floor else members_GM), members_GM

    def separable(self, nodes_SK: Array, x_MF: Array) -> Separable:
        """Given the exponents, L is linear in every E, A and B."""
        floors, members_GM = self._bases(x_MF)
        size_SM, data_SM = (np.exp(-nodes_SK[:, i, None] * x_MF[:, i]) for i in range(2))
        basis = [one_M[None] for one_M in floors]
        basis += [one_M * term_SM for term_SM in (size_SM, data_SM) for one_M in members_GM]
        return Separable(tuple(basis), np.ones(len(nodes_SK)), lambda t_SQ: np.column_stack([t_SQ, nodes_SK]))

    def _slopes(self, x_MF: Array) -> tuple[Array, Array, Array]:
        """The gradients of the three terms' logits, (P, M) each: a logit is linear in theta."""
        floors, members_GM = self._bases(x_MF)
        n, many = self.floors, len(self.groups)
        found = np.zeros((3, len(self.theta_names), len(x_MF)))
        found[0, :n] = floors
        found[1, n : n + many], found[1, self.alpha] = members_GM, -x_MF[:, 0]
        found[2, n + many : self.alpha], found[2, self.alpha + 1] = members_GM, -x_MF[:, 1]
        return found[0], found[1], found[2]

    def evaluate(self, theta_SP: Array, x_MF: Array) -> Array:
        """The logarithm of the three terms' sum."""
        return np.asarray(np.log(sum(np.exp(theta_SP @ slope_PM) for slope_PM in self._slopes(x_MF))))

    def jacobian(self, theta_SP: Array, x_MF: Array) -> tuple[Array, Array]:
        """Σ_k p_k z_k, p_k the share of term k in L and z_k the gradient of its logit."""
        slopes = self._slopes(x_MF)
        terms = [np.exp(theta_SP @ slope_PM) for slope_PM in slopes]
        total_SM = sum(terms[1:], terms[0])
        j_SPM = sum((term / total_SM)[:, None] * slope_PM for term, slope_PM in zip(terms, slopes, strict=True))
        return np.log(total_SM), np.asarray(j_SPM)

    def local(self, theta_SP: Array, x_MF: Array) -> Local:
        """∇²f = Σ_k p_k z_k z_kᵀ − ∇f ∇fᵀ."""
        slopes = self._slopes(x_MF)
        terms = [np.exp(theta_SP @ slope_PM) for slope_PM in slopes]
        total_SM = sum(terms[1:], terms[0])
        shares = [term / total_SM for term in terms]
        n_theta = theta_SP.shape[1]

        def gradient(v_SM: Array) -> Array:
            return np.asarray(sum((v_SM * share) @ slope.T for share, slope in zip(shares, slopes, strict=True)))

        def second(b_SM: Array, v_SM: Array) -> Array:
            both_SM, out_SPP = b_SM + v_SM, np.zeros((len(theta_SP), n_theta, n_theta))
            for k, one in enumerate(shares):
                for m in range(k, len(shares)):
                    weight_SM = both_SM * one * shares[m] - (v_SM * one if m == k else 0.0)
                    products = (slopes[k][:, None] * slopes[m][None]).reshape(-1, len(x_MF))
                    part_SPP = (weight_SM @ products.T).reshape(-1, n_theta, n_theta)
                    out_SPP += part_SPP if m == k else part_SPP + part_SPP.transpose(0, 2, 1)
            return out_SPP

        return Local(np.log(total_SM), gradient, second)

    def to_params(self, theta_SP: Array, x_centre_F: Array, y_centre: float) -> dict[str, Array]:
        """Each E, each A, each B, alpha, beta."""
        exponents = theta_SP[:, self.alpha :].T
        found: dict[str, Array] = {}
        for i, parameter in enumerate(self.parameters[: self.alpha]):
            own = parameter.theta[1:]
            moved = exponents[own[0] - self.alpha] * x_centre_F[own[0] - self.alpha] if own else 0.0
            found[parameter.name] = np.exp(theta_SP[:, i] + y_centre + moved)
        return {**found, "alpha": exponents[0], "beta": exponents[1]}

    def from_params(self, params: Mapping[str, float], x_centre_F: Array, y_centre: float) -> Array:
        """The inverse of `to_params`."""
        exponents = (params["alpha"], params["beta"])
        levels = []
        for parameter in self.parameters[: self.alpha]:
            own = parameter.theta[1:]
            moved = exponents[own[0] - self.alpha] * x_centre_F[own[0] - self.alpha] if own else 0.0
            levels.append(np.log(params[parameter.name]) - y_centre - moved)
        return np.array([*levels, *exponents])

    def predict(self, params: Mapping[str, Array | float], **columns: Any) -> Array:
        """The loss at `n` parameters and `d` tokens in `group`: one name, or one a row; the reference if left out."""
        group = columns.get("group", self.groups[0])
        floor = params["E"] if self.shared_floor else self._own([params[f"E_{name}"] for name in self.groups], group)
        size, data = (self._own([params[f"{letter}_{name}"] for name in self.groups], group) for letter in "AB")
        return np.asarray(
            floor + size * power(columns["n"], params["alpha"]) + data * power(columns["d"], params["beta"])
        )


class SharedExponentsCorpora(SharedExponents):
    """The same with an irreducible loss of each group."""

    name = "shared-exponents-corpora"
    formula = "L_g(N, D) = E_g + A_g/N^alpha + B_g/D^beta"
    latex = SharedExponents.latex.replace("= E +", "= E_g +")
    shared_floor = False
