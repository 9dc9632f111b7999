"""The loss along one run: a power law in tokens whose clock starts before the run does."""

from collections.abc import Mapping

import numpy as np

from workbench.fitting.laws.base import Array, Law, Local, Parameter, Separable
from workbench.fitting.laws.powers import EXPONENTS


class LearningCurve(Law):
    """L(D) = E + B/(D + D_0)^β; D_0 absorbs the warm-up, and keeps the loss finite at the first token.

    Domhan et al.'s pow4 is c − (ax + b)^(−α) for an accuracy; for a loss the sign turns, E = c, B = a^(−α), D_0 = b/a.
    Theta is (ln E, ln B, β, ln D_0), D_0 in units of the tokens at the centre of the data.
    """

    name = "learning-curve"
    formula = "L(D) = E + B/(D + D_0)^beta"
    latex = r"L(D) = E + \frac{B}{(D + D_0)^{\beta}}"
    citation = "Domhan, Springenberg and Hutter 2015 (IJCAI), table 1, pow4, written for a loss"
    columns = ("d",)
    parameters = (
        Parameter("E", "loss that this run's settings would reach in the end", "nats per token", theta=(0,)),
        Parameter("B", "amplitude of the reducible loss", "nats per token · tokens^beta", theta=(1, 2)),
        Parameter("beta", "exponent of tokens", "1", 0.01, 2.5, theta=(2,)),
        Parameter("D_0", "tokens by which the curve is shifted: the warm-up", "tokens", theta=(3,)),
    )
    theta_names = ("ln E", "ln B", "beta", "ln D_0")
    theta_bounds = ((-8.0, 1.0), (-10.0, 5.0), (0.01, 2.5), (-14.0, 4.0))
    nonlinear = (2, 3)

    def starts(self) -> Array:
        """Shares of the loss at the centre of the data × exponents × shifts: 3 × 4 × 4 = 48 starts."""
        return np.array(
            [
                (np.log(share), np.log(1 - share) + beta * np.logaddexp(0, shift), beta, shift)
                for share in (0.2, 0.5, 0.85)
                for beta in (0.1, 0.3, 0.7, 1.5)
                for shift in (-8.0, -4.0, -2.0, 0.0)
            ]
        )

    def axes(self) -> tuple[Array, Array]:
        """Exponents, and shifts from a ten-thousandth of the centre's tokens to twenty times them."""
        return EXPONENTS, np.linspace(-9.0, 3.0, 25)

    def separable(self, nodes_SK: Array, x_MF: Array) -> Separable:
        """Given β and D_0 the loss is linear in E and B."""
        beta, shift = nodes_SK[:, :1], nodes_SK[:, 1:]
        basis = (np.ones((1, 1)), np.exp(-beta * np.logaddexp(x_MF[:, 0], shift)))
        return Separable(basis, np.ones(len(nodes_SK)), lambda t_SQ: np.column_stack([t_SQ, nodes_SK]))

    def _parts(self, theta_SP: Array, x_MF: Array) -> tuple[Array, Array, Array, Array]:
        """Ln L; the reducible share p of L; s = ln(D + D_0); and D_0's share σ of D + D_0."""
        e, b, beta, shift = (theta_SP[:, i, None] for i in range(4))
        s_SM = np.logaddexp(x_MF[:, 0], shift)
        f_SM = np.logaddexp(e, b - beta * s_SM)
        return f_SM, np.exp(b - beta * s_SM - f_SM), s_SM, np.exp(shift - s_SM)

    def evaluate(self, theta_SP: Array, x_MF: Array) -> Array:
        """The logarithm of the two terms' sum."""
        return self._parts(theta_SP, x_MF)[0]

    def jacobian(self, theta_SP: Array, x_MF: Array) -> tuple[Array, Array]:
        """∂ln E = 1−p, ∂ln B = p, ∂β = −p·s, ∂ln D_0 = −p·β·σ."""
        f_SM, p_SM, s_SM, o_SM = self._parts(theta_SP, x_MF)
        j_SPM = np.stack([1 - p_SM, p_SM, -p_SM * s_SM, -p_SM * theta_SP[:, 2, None] * o_SM], axis=1)
        return f_SM, j_SPM

    def local(self, theta_SP: Array, x_MF: Array) -> Local:
        """With z = (0, 1, −s, −βσ) the gradient of the power's logarithm: ∇²f = p(1−p)(z−e)(z−e)ᵀ + p∇²z."""
        f_SM, p_SM, s_SM, o_SM = self._parts(theta_SP, x_MF)
        beta = theta_SP[:, 2, None]
        j_SPM = np.stack([1 - p_SM, p_SM, -p_SM * s_SM, -p_SM * beta * o_SM], axis=1)
        apart_SPM = np.stack([-np.ones_like(s_SM), np.ones_like(s_SM), -s_SM, -beta * o_SM], axis=1)

        def second(b_SM: Array, v_SM: Array) -> Array:
            weight_SM = v_SM * p_SM
            h_SPP = (j_SPM * b_SM[:, None, :]) @ j_SPM.transpose(0, 2, 1)
            h_SPP -= (apart_SPM * (weight_SM * (1 - p_SM))[:, None, :]) @ apart_SPM.transpose(0, 2, 1)
            cross_S = (weight_SM * o_SM).sum(axis=1)
            h_SPP[:, 2, 3] += cross_S
            h_SPP[:, 3, 2] += cross_S
            h_SPP[:, 3, 3] += (weight_SM * beta * o_SM * (1 - o_SM)).sum(axis=1)
            return np.asarray(h_SPP)

        return Local.of(f_SM, j_SPM, second)

    def to_params(self, theta_SP: Array, x_centre_F: Array, y_centre: float) -> dict[str, Array]:
        """E, B, beta, D_0."""
        e, b, beta, shift = theta_SP.T
        return {
            "E": np.exp(e + y_centre),
            "B": np.exp(b + y_centre + beta * x_centre_F[0]),
            "beta": beta,
            "D_0": np.exp(shift + x_centre_F[0]),
        }

    def from_params(self, params: Mapping[str, float], x_centre_F: Array, y_centre: float) -> Array:
        """The inverse of `to_params`."""
        beta, centre = params["beta"], x_centre_F[0]
        level = np.log(params["B"]) - y_centre - beta * centre
        # No shift at all is the lower bound: a millionth of the centre's tokens.
        shift = np.log(params["D_0"]) - centre if params["D_0"] > 0 else self.theta_bounds[3][0]
        return np.array([np.log(params["E"]) - y_centre, level, beta, shift])

    def predict(self, params: Mapping[str, Array | float], **columns: Array) -> Array:
        """The loss after `d` tokens."""
        return np.asarray(params["E"] + params["B"] / (columns["d"] + np.asarray(params["D_0"])) ** params["beta"])
