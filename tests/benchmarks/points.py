"""The points that the speed of fits is measured on: a published table, or a simulated one of the same shape.

M points, columns n (parameters), d (tokens, C/6N), c (FLOPs) and loss (nats per token).
"""

from pathlib import Path

import numpy as np
import pandas as pd

from workbench.errors import BadInput
from workbench.fitting.laws.base import Array, Law

BESIROGLU = {"E": 1.8172181, "A": 477.82587, "B": 2143.41737, "alpha": 0.3473105, "beta": 0.3671724}
"""The Huber optimum of the Chinchilla table (Besiroglu et al. 2024, arXiv 2404.10102, as refitted)."""

BELOW = 3.44
"""Besiroglu et al. drop the five largest losses of the 245 digitised points."""

NOISE = 4.7e-3
"""Mean |residual| of ln L at that optimum: 1.13 summed over 240 points."""

POINTS = 240


def chinchilla_table(path: Path | None) -> tuple[pd.DataFrame, str]:
    """The canonical table and what it is."""
    if path is None:
        return simulated(POINTS), f"{POINTS} simulated points in the shape of the Chinchilla table (no --table given)"
    raw = pd.read_csv(path)
    missing = {"params", "flops", "loss"} - set(raw.columns)
    if missing:
        raise BadInput(
            f"{path} has no column {', '.join(sorted(missing))}; the benchmark needs params, flops and loss."
        )
    raw = raw[raw["loss"] < BELOW]
    table = pd.DataFrame({"n": raw["params"], "d": raw["flops"] / (6 * raw["params"]), "c": raw["flops"]})
    table["loss"] = raw["loss"]
    return table.reset_index(drop=True).astype(np.float64), f"{len(table)} points of {path.name} (loss < {BELOW})"


def simulated(n_points: int, seed: int = 0) -> pd.DataFrame:
    """Runs along isoFLOP lines as in Hoffmann et al. 2022, figure 4: heavy-tailed noise (Student's t, 3 degrees)."""
    rng = np.random.default_rng(seed)
    c = 10 ** rng.uniform(18, 22, n_points)
    # N around the optimum ∝ √C, a factor of e² either way.
    n = np.sqrt(c / 120) * np.exp(rng.normal(0, 1, n_points))
    d = c / (6 * n)
    p = BESIROGLU
    loss = (p["E"] + p["A"] * n ** -p["alpha"] + p["B"] * d ** -p["beta"]) * np.exp(heavy_tailed(n_points, rng))
    return pd.DataFrame({"n": n, "d": d, "c": c, "loss": loss})


def heavy_tailed(n_points: int, rng: np.random.Generator) -> Array:
    """Noise of ln L with the table's mean size; E|t₃| = 2√3/π."""
    return np.asarray(NOISE * np.pi / (2 * np.sqrt(3)) * rng.standard_t(3, n_points))


RANGES = {
    "n": (1e7, 1e10),
    "n_non_embedding": (1e7, 1e10),
    "d": (1e8, 1e12),
    "u": (1e8, 1e11),
    "c": (1e17, 1e22),
    "s": (1e3, 1e6),
    "batch": (1e4, 1e7),
    "vocab": (2e3, 2e5),
    "bits": (3.0, 16.0),
    "rate": (1e-4, 1e-2),
    "kl": (0.1, 100.0),
    "source_loss": (2.0, 4.0),
}
"""Where a simulated column lies, uniform in its logarithm."""


def simulated_by(law: Law, n_points: int, seed: int = 0) -> pd.DataFrame | None:
    """Points that `law` itself generates, from the start in the middle of its grid; None where a column is unknown."""
    if not set(law.columns) <= {*RANGES, "group"}:
        return None
    rng = np.random.default_rng(seed)
    columns = {
        name: np.exp(rng.uniform(np.log(RANGES[name][0]), np.log(RANGES[name][1]), n_points))
        for name in law.columns
        if name in RANGES
    }
    if "group" in law.columns:
        columns["group"] = rng.choice(law.setting["groups"], n_points)
    x_MF = law.features(columns)
    x_centre_F = law.centre(x_MF)
    starts_SP = law.starts()
    theta_1P = starts_SP[len(starts_SP) // 2][None]
    response_M = law.evaluate(theta_1P, x_MF - x_centre_F)[0]
    noise_M = heavy_tailed(n_points, rng)
    if law.log_response:
        # ln L = ln 3 at the centre: a loss of 3 nats.
        table = pd.DataFrame({**columns, law.response: 3 * np.exp(response_M + noise_M)})
    else:
        table = pd.DataFrame({**columns, law.response: response_M + noise_M})
    return table
