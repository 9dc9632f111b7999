"""Over-optimisation of a learned reward: the true reward rises with distance from the first policy, then falls.

The distance is d = √KL(π‖π_init), in square roots of nats. Both laws are linear in α and β.
"""

from abc import abstractmethod
from collections.abc import Mapping

import numpy as np

from workbench.fitting.laws.base import Array, Parameter
from workbench.fitting.laws.linear import WIDE, Linear


class _Overoptimised(Linear):
    """R(d) = d·(α − β·g(d)) with a growing g; the feature is d, which is not moved."""

    columns = ("kl",)
    response = "reward"
    log_response = False
    parameters = (
        Parameter("alpha", "gain of reward per unit of d at the start", "reward per √nat", -np.inf, theta=(0,)),
        Parameter("beta", "how fast that gain is lost", "reward per √nat, per unit of g(d)", -np.inf, theta=(1,)),
    )
    theta_names = ("alpha", "beta")
    theta_bounds = ((-WIDE, WIDE), (-WIDE, WIDE))

    def features(self, columns: Mapping[str, Array]) -> Array:
        """d = √KL."""
        return np.sqrt(np.asarray(columns["kl"], dtype=np.float64))[:, None]

    def centre(self, x_MF: Array) -> Array:
        """Nothing is subtracted: d = 0 is the initial policy."""
        return np.zeros(x_MF.shape[1])

    def design(self, x_MF: Array) -> Array:
        """d, and −d·g(d)."""
        return np.column_stack([x_MF[:, 0], -x_MF[:, 0] * self.loss_of_gain(x_MF[:, 0])])

    @abstractmethod
    def loss_of_gain(self, d: Array) -> Array:
        """g(d)."""

    def to_params(self, theta_SP: Array, x_centre_F: Array, y_centre: float) -> dict[str, Array]:  # noqa: ARG002
        """Theta is the parameters."""
        return {"alpha": theta_SP[:, 0], "beta": theta_SP[:, 1]}

    def from_params(self, params: Mapping[str, float], x_centre_F: Array, y_centre: float) -> Array:  # noqa: ARG002
        """The inverse of `to_params`."""
        return np.array([params["alpha"], params["beta"]], dtype=np.float64)

    def predict(self, params: Mapping[str, Array | float], **columns: Array) -> Array:
        """The reward at `kl` nats from the initial policy, whose own reward is 0."""
        d = np.sqrt(columns["kl"])
        return np.asarray(d * (params["alpha"] - params["beta"] * self.loss_of_gain(d)))


class RewardBestOfN(_Overoptimised):
    """R_bon(d) = d(α_bon − β_bon d): the reward of the best of n samples by a proxy."""

    name = "reward-bon"
    formula = "R(d) = d*(alpha - beta*d), d = sqrt(KL)"
    latex = r"R_{\mathrm{bon}}(d) = d\,(\alpha - \beta\, d),\quad d = \sqrt{D_{\mathrm{KL}}}"
    citation = "Gao, Schulman and Hilton 2023 (arXiv 2210.10760), section 1, the form for best-of-n"

    def loss_of_gain(self, d: Array) -> Array:
        """D itself."""
        return np.asarray(d)

    def derived(self, params: Mapping[str, Array]) -> dict[str, Array]:
        """The peak: d = α/2β, with R = α²/4β; none (NaN) unless both are positive."""
        alpha, beta = (np.asarray(params[name], dtype=np.float64) for name in ("alpha", "beta"))
        beta = np.where((alpha > 0) & (beta > 0), beta, np.nan)
        return {"d_peak": alpha / (2 * beta), "reward_peak": alpha**2 / (4 * beta)}


class RewardRL(_Overoptimised):
    """R_RL(d) = d(α_RL − β_RL ln d): the reward of a policy trained against a proxy."""

    name = "reward-rl"
    formula = "R(d) = d*(alpha - beta*ln d), d = sqrt(KL)"
    latex = r"R_{\mathrm{RL}}(d) = d\,(\alpha - \beta \ln d),\quad d = \sqrt{D_{\mathrm{KL}}}"
    citation = "Gao, Schulman and Hilton 2023 (arXiv 2210.10760), section 1, the form for reinforcement learning"

    def loss_of_gain(self, d: Array) -> Array:
        """Ln d; at d = 0, where d·ln d is 0, any finite number will do."""
        return np.asarray(np.log(np.where(np.asarray(d) > 0, d, 1.0)))

    def derived(self, params: Mapping[str, Array]) -> dict[str, Array]:
        """The peak: d = exp(α/β − 1), with R = β d; none (NaN) unless β is positive."""
        alpha, beta = (np.asarray(params[name], dtype=np.float64) for name in ("alpha", "beta"))
        beta = np.where(beta > 0, beta, np.nan)
        d_peak = np.exp(np.minimum(alpha / beta - 1, 700.0))
        return {"d_peak": d_peak, "reward_peak": beta * d_peak}
