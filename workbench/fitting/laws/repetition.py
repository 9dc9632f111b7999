"""Training on repeated data: a token seen again, and a parameter beyond what the data can fill, are worth ever less."""

from collections.abc import Mapping

import numpy as np

from workbench.fitting.laws.base import Array, Law, Local, Parameter
from workbench.fitting.laws.powers import power

WORTH = (0.5, 2.0, 8.0, 30.0, 120.0, 500.0)
"""Values of R_N* and R_D* to start from: the objective has many shallow minima along a valley in the two."""

MOST = 50.0
"""Excess parameters up to e^50 times U_N are told apart; all of them are worth U_N·R_N* by then."""


class DataConstrained(Law):
    """L = E + A/N′^α + B/D′^β of the effective size N′ and data D′ (D tokens, of which U unique).

        D′ = U_D + U_D·R_D*·(1 − exp(−R_D/R_D*)),   U_D = min(U, D),             R_D = D/U_D − 1
        N′ = U_N + U_N·R_N*·(1 − exp(−R_N/R_N*)),   U_N = min(N_opt(U_D), N),    R_N = N/U_N − 1

    N_opt(U_D) is the size for which U_D tokens are compute-optimal by the same constants: α·A/N^α = β·B/D^β there, the
    form of Hoffmann et al.'s G·(G·U_D)^(β/α). Where N passes N_opt, N′ bends but does not break: the first derivatives
    of either side agree there.

    Theta is (ln E, ln A, ln B, α, β, ln R_N*, ln R_D*). The third feature is ln(D/U_D), whose zero has a meaning.
    """

    name = "data-constrained"
    formula = (
        "L(N, D, U) = E + A/N'^alpha + B/D'^beta with D' = U + U*R_D*(1 - exp(-(D/U - 1)/R_D)), "
        "N' = U_N + U_N*R_N*(1 - exp(-(N/U_N - 1)/R_N)), U_N = min(N, N_opt(U))"
    )
    latex = (
        r"L = E + \frac{A}{\left(U_N + U_N R_N^* (1 - e^{-R_N/R_N^*})\right)^{\alpha}}"
        r" + \frac{B}{\left(U_D + U_D R_D^* (1 - e^{-R_D/R_D^*})\right)^{\beta}}"
    )
    citation = "Muennighoff et al. 2023 (arXiv 2305.16264), eq. 5 and 6, appendix A"
    columns = ("n", "d", "u")
    parameters = (
        Parameter("E", "irreducible loss", "nats per token", theta=(0,)),
        Parameter("A", "amplitude of the term of model size", "nats per token · parameters^alpha", theta=(1, 3)),
        Parameter("B", "amplitude of the term of data", "nats per token · tokens^beta", theta=(2, 4)),
        Parameter("alpha", "exponent of model size", "1", 0.01, 2.5, theta=(3,)),
        Parameter("beta", "exponent of data", "1", 0.01, 2.5, theta=(4,)),
        Parameter("R_N", "R_N*: excess parameters are worth at most U_N times this", "1", 0.01, 1e4, theta=(5,)),
        Parameter("R_D", "R_D*: repeated tokens are worth at most U_D times this", "1", 0.01, 1e4, theta=(6,)),
    )
    theta_names = ("ln E", "ln A", "ln B", "alpha", "beta", "ln R_N", "ln R_D")
    theta_bounds = (
        *((-8.0, 1.0), (-10.0, 3.0), (-10.0, 3.0), (0.01, 2.5), (0.01, 2.5)),
        *((float(np.log(0.01)), float(np.log(1e4))),) * 2,
    )

    def features(self, columns: Mapping[str, Array]) -> Array:
        """Ln N, ln D and ln(D/U_D), which is 0 where fewer tokens are trained on than there are."""
        n_M, d_M, u_M = (np.log(columns[name]) for name in self.columns)
        return np.column_stack([n_M, d_M, np.maximum(d_M - u_M, 0.0)])

    def centre(self, x_MF: Array) -> Array:
        """Means of ln N and ln D; the number of epochs stays as it is."""
        return np.array([x_MF[:, 0].mean(), x_MF[:, 1].mean(), 0.0])

    def starts(self) -> Array:
        """Worths of excess, each pair with two of eight settings of the rest in turn: 6 × 6 × 2 = 72 starts.

        All 288 led to no lower minimum on the 182 runs of the source, nor on those or simulated ones with more noise.
        """
        rest = [(e, alpha, beta) for e in (0.3, 0.7) for alpha in (0.2, 0.5) for beta in (0.2, 0.5)]
        return np.array(
            [
                (np.log(e), np.log((1 - e) / 2), np.log((1 - e) / 2), alpha, beta, np.log(r_n), np.log(r_d))
                for i, r_n in enumerate(WORTH)
                for j, r_d in enumerate(WORTH)
                for e, alpha, beta in (rest[(i + 3 * j) % 8], rest[(i + 3 * j + 4) % 8])
            ]
        )

    def evaluate(self, theta_SP: Array, x_MF: Array) -> Array:
        """The logarithm of the sum of the three terms."""
        return _At(theta_SP, x_MF).f_SM

    def jacobian(self, theta_SP: Array, x_MF: Array) -> tuple[Array, Array]:
        """The terms' shares of L times the gradients of their logarithms."""
        at = _At(theta_SP, x_MF)
        return at.f_SM, at.gradient()

    def local(self, theta_SP: Array, x_MF: Array) -> Local:
        """∇²f = Σ share·(z zᵀ + ∇²z) − ∇f∇fᵀ over the terms' logarithms z."""
        at = _At(theta_SP, x_MF)
        j_SPM = at.gradient()
        return Local.of(at.f_SM, j_SPM, lambda b_SM, v_SM: at.second(j_SPM, b_SM, v_SM))

    def to_params(self, theta_SP: Array, x_centre_F: Array, y_centre: float) -> dict[str, Array]:
        """E, A, B, alpha, beta, R_N, R_D."""
        e, a, b, alpha, beta, r_n, r_d = theta_SP.T
        return {
            "E": np.exp(e + y_centre),
            "A": np.exp(a + y_centre + alpha * x_centre_F[0]),
            "B": np.exp(b + y_centre + beta * x_centre_F[1]),
            "alpha": alpha,
            "beta": beta,
            "R_N": np.exp(r_n),
            "R_D": np.exp(r_d),
        }

    def from_params(self, params: Mapping[str, float], x_centre_F: Array, y_centre: float) -> Array:
        """The inverse of `to_params`."""
        alpha, beta = params["alpha"], params["beta"]
        e, a, b, r_n, r_d = (np.log(params[name]) for name in ("E", "A", "B", "R_N", "R_D"))
        a, b = a - alpha * x_centre_F[0], b - beta * x_centre_F[1]
        return np.array([e - y_centre, a - y_centre, b - y_centre, alpha, beta, r_n, r_d])

    def predict(self, params: Mapping[str, Array | float], **columns: Array) -> Array:
        """The loss of `n` parameters on `d` tokens, `u` of them unique."""
        n, d, u = (np.asarray(columns[name], dtype=np.float64) for name in self.columns)
        a, b, alpha, beta, r_n, r_d = (np.asarray(params[name]) for name in ("A", "B", "alpha", "beta", "R_N", "R_D"))
        u_d = np.minimum(u, d)
        d_effective = u_d - u_d * r_d * np.expm1(-(d / u_d - 1) / r_d)
        # In logarithms, since poorly determined exponents put N_opt beyond the range of floats.
        ln_n_opt = (np.log(alpha * a / (beta * b)) + beta * np.log(u_d)) / alpha
        ln_u_n = np.minimum(ln_n_opt, np.log(n))
        excess = np.expm1(np.minimum(np.log(n) - ln_u_n, MOST))
        n_effective = np.exp(np.maximum(ln_u_n, -700.0)) * (1 - r_n * np.expm1(-excess / r_n))
        return np.asarray(params["E"] + a * power(n_effective, alpha) + b * power(d_effective, beta))

    def balance(self, params: Mapping[str, Array]) -> tuple[Array, Array, Array, Array]:
        """The two terms while data are unlimited, and nothing is repeated."""
        return np.log(params["A"]), params["alpha"], np.log(params["B"]), params["beta"]

    def derived(self, params: Mapping[str, Array]) -> dict[str, Array]:
        """N_opt ∝ C^a and D_opt ∝ C^b while data are unlimited: a = β/(α+β), b = α/(α+β)."""
        total = params["alpha"] + params["beta"]
        return {"a": params["beta"] / total, "b": params["alpha"] / total}


class _Worth:
    """g(q) = ln(1 + R*(1 − exp(−R/R*))) of an excess R = e^q − 1, with its derivatives by q and by r = ln R*."""

    def __init__(self, q: Array, r_S1: Array) -> None:
        excess, star = np.expm1(q), np.exp(r_S1)
        self.ratio, self.star, self.x = 1 + excess, star, excess / star
        gone = np.expm1(-self.x)
        self.kept = 1 + gone
        self.value = -star * gone
        self.total = 1 + self.value
        self.g = np.log(self.total)

    def slopes(self) -> tuple[Array, Array]:
        """By q and by r."""
        return self.kept * self.ratio / self.total, (self.value - self.star * self.x * self.kept) / self.total

    def bends(self, by_q: Array, by_r: Array) -> tuple[Array, Array, Array]:
        """By q twice, by q and r, by r twice."""
        by_qq = by_q * (1 - self.ratio / self.star - by_q)
        by_rr = by_r * (1 - by_r) - self.star * self.x * self.x * self.kept / self.total
        return by_qq, by_q * (self.x - by_r), by_rr


class _At:
    """The law at some thetas: its terms' shares of L, and what their derivatives need.

    With l = ln U_N and g the worth of the excess, the logarithm of the term of size is ln A − α(l + g(ln N − l)). Where
    U_N is N_opt, αl = ln(αA) − ln(βB) + β ln U_D, which is linear but for ln α − ln β.
    """

    def __init__(self, theta_SP: Array, x_MF: Array) -> None:
        e, a, b, self.alpha, self.beta, r_n, r_d = (theta_SP[:, i, None] for i in range(7))
        self.unique_M = x_MF[:, 1] - x_MF[:, 2]
        optimal_SM = (np.log(self.alpha / self.beta) + a - b + self.beta * self.unique_M) / self.alpha
        self.l_SM = np.minimum(optimal_SM, x_MF[:, 0])
        self.filled_SM = optimal_SM < x_MF[:, 0]
        self.size = _Worth(np.minimum(x_MF[:, 0] - self.l_SM, MOST), r_n)
        self.data = _Worth(x_MF[:, 2], r_d)
        self.n_SM = self.l_SM + self.size.g
        self.d_SM = self.unique_M + self.data.g
        levels = (np.exp(e), np.exp(a - self.alpha * self.n_SM), np.exp(b - self.beta * self.d_SM))
        self.total_SM = levels[0] + levels[1] + levels[2]
        self.levels = levels

    @property
    def f_SM(self) -> Array:
        """The logarithm of the three terms' sum."""
        return np.asarray(np.log(self.total_SM))

    def gradient(self) -> Array:
        """∇f, keeping the gradients of the two terms' logarithms: of size by entries 1 to 5, of data by 2, 4 and 6."""
        alpha, beta, w_SM = self.alpha, self.beta, self.total_SM
        self.shares = tuple(level / w_SM for level in self.levels)
        self.size_slopes, self.data_slopes = self.size.slopes(), self.data.slopes()
        # How the term of size follows N_opt: not at all at first, since an excess begins by counting in full.
        self.follows_SM = self.filled_SM * (1 - self.size_slopes[0])
        # α∇l by entries 1 to 4; only where U_N is N_opt.
        self.optimum = (1.0, -1.0, 1 / alpha - self.l_SM, self.unique_M - 1 / beta)
        by_alpha_SM = -self.n_SM - self.follows_SM * self.optimum[2]
        by_beta_SM = -self.follows_SM * self.optimum[3]
        rows = (1 - self.follows_SM, self.follows_SM, by_alpha_SM, by_beta_SM, -alpha * self.size_slopes[1])
        self.of_size_S5M = np.stack(rows, axis=1)
        self.of_data_S3M = np.stack([np.ones_like(self.d_SM), -self.d_SM, -beta * self.data_slopes[1]], axis=1)
        rest_SM, size_SM, data_SM = self.shares
        j_SPM = np.empty((len(w_SM), 7, w_SM.shape[1]))
        j_SPM[:, 0], j_SPM[:, 6] = rest_SM, 0.0
        j_SPM[:, 1:6] = size_SM[:, None] * self.of_size_S5M
        j_SPM[:, 2:7:2] += data_SM[:, None] * self.of_data_S3M
        return j_SPM

    def second(self, j_SPM: Array, b_SM: Array, v_SM: Array) -> Array:
        """Σ b ∇f∇fᵀ − v ∇²f, after `gradient`."""
        alpha, beta = self.alpha, self.beta
        rest_SM, size_SM, data_SM = (v_SM * share for share in self.shares)
        h_SPP = np.zeros((len(j_SPM), 7, 7))
        h_SPP[:, 0, 0] = rest_SM.sum(axis=1)
        by_qq, by_qr, by_rr = self.size.bends(*self.size_slopes)
        h_SPP[:, 1:6, 1:6] = _outer(self.of_size_S5M, size_SM)
        optimum_S4M = np.stack([np.broadcast_to(row, size_SM.shape) for row in self.optimum], axis=1)
        h_SPP[:, 1:5, 1:5] -= _outer(optimum_S4M, size_SM * self.filled_SM * by_qq / alpha)
        _cross(h_SPP, 5, slice(1, 5), _sum(optimum_S4M, size_SM * self.filled_SM * by_qr))
        _cross(h_SPP, 3, slice(5, 6), -_total(size_SM * self.size_slopes[1]))
        following_S1 = _total(size_SM * self.follows_SM)
        h_SPP[:, 3, 3] += (following_S1 / alpha**2)[:, 0]
        h_SPP[:, 4, 4] -= (following_S1 / beta**2)[:, 0]
        h_SPP[:, 5, 5] -= (alpha * _total(size_SM * by_rr))[:, 0]
        h_SPP[:, 2:7:2, 2:7:2] += _outer(self.of_data_S3M, data_SM)
        _cross(h_SPP, 4, slice(6, 7), -_total(data_SM * self.data_slopes[1]))
        h_SPP[:, 6, 6] -= (beta * _total(data_SM * self.data.bends(*self.data_slopes)[2]))[:, 0]
        return np.asarray(_outer(j_SPM, b_SM + v_SM) - h_SPP)


def _outer(g_SPM: Array, weight_SM: Array) -> Array:
    """Σ_m weight_m g_m g_mᵀ, as (S, P, P)."""
    return np.asarray((g_SPM * weight_SM[:, None, :]) @ g_SPM.transpose(0, 2, 1))


def _sum(g_SPM: Array, weight_SM: Array) -> Array:
    """Σ_m weight_m g_m, as (S, P)."""
    return np.asarray((g_SPM @ weight_SM[:, :, None])[:, :, 0])


def _total(weight_SM: Array) -> Array:
    """Σ_m weight_m, as (S, 1)."""
    return np.asarray(weight_SM.sum(axis=1, keepdims=True))


def _cross(h_SPP: Array, entry: int, others: slice, row_SQ: Array) -> None:
    """Adds a row to the entries of one theta with others, and its mirror image."""
    h_SPP[:, entry, others] += row_SQ
    h_SPP[:, others, entry] += row_SQ
