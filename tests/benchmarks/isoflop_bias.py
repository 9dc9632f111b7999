"""How far each shape of isoFLOP curve is from the truth: `python -m tests.benchmarks.isoflop_bias`.

Surfaces L = E + A/N^α + B/D^β with C = 6ND, whose optimum is known in closed form (Hoffmann et al. 2022, 2203.15556,
eq. 4). First without noise, against the range of sizes; then with normal noise of ln L, 2,000 sweeps a cell, each
fitted and resampled by the code behind `fit(table, "isoflop")`, many sweeps as rows of one call.

    --sweeps N     sweeps a cell
    --quick        the bias alone
    --picture PNG  draw the bias and do nothing else
"""

import argparse
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.benchmarks.isoflop_truths import SURFACES, Design, Quickstart, Truth
from workbench.fitting.isoflop.budgets import sections
from workbench.fitting.isoflop.curves import SHAPES
from workbench.fitting.isoflop.minima import best_inside, minima, power_laws, resampled
from workbench.fitting.laws.base import Array
from workbench.fitting.uncertainty import bootstrap

SHOWN = ("parabola", "cubic", "two-powers")

WIDTHS = (2, 4, 8, 16)

FAR = (10, 100)
"""Multiples of the largest budget at which N_opt is forecast."""

NOISES = (0.005, 0.01)

LEVEL = 0.95

RESAMPLES = 200

CHUNK = 100
"""Sweeps whose resamples are solved at once."""

DESIGNS = (
    Design("Besiroglu", 4, 5),
    Design("Besiroglu", 4, 5, count=4),
    Design("Besiroglu", 4, 5, drift=1.5),
    Design("Besiroglu", 2, 7),
    Design("Hoffmann", 8, 7),
    Design("asymmetric", 4, 5),
    Design("asymmetric", 8, 7),
)
"""Designs with noise; the quickstart's is added."""


def targets(design: Truth, laws: dict[str, Array]) -> dict[str, Array]:
    """Errors: of the exponent a, and of ln N_opt at multiples of the largest budget."""
    found = {"a": laws["a"] - design.a}
    for far in FAR:
        c = design.budgets[-1] * far
        with np.errstate(divide="ignore"):
            found[f"N {far}x"] = np.log(laws["k_N"]) + laws["a"] * np.log(c) - float(np.squeeze(design.ln_n_opt(c)))
    return found


@dataclass(frozen=True)
class Bias:
    """What a shape misses without noise: D* (mean over budgets) and N_opt in percent, a in thousandths."""

    d: float
    a: float
    n_10: float
    n_100: float

    @classmethod
    def of(cls, design: Truth, shape: str) -> "Bias":
        """Fit the noise-free sweep."""
        every = design.curves()
        found = minima(every, SHAPES[shape], np.concatenate([curve.y_M for curve in every])[None])
        error = targets(design, power_laws(np.log(design.budgets), found))
        true_B = np.array([curve.ln_data(design.ln_n_opt(curve.budget)) for curve in every]).ravel()
        n_10, n_100 = (100 * float(np.expm1(error[f"N {far}x"][0])) for far in FAR)
        missed = 100 * float(np.expm1((found.ln_d_SB[0] - true_B).mean()))
        return cls(missed, 1000 * float(error["a"][0]), n_10, n_100)


def print_bias() -> None:
    """One row a surface, range of sizes and shape."""
    print("Bias without noise, 5 budgets × 11 sizes from 1e17 to 1e21 FLOPs. drift 2: centres from half the optimum to")
    print("twice it. D* and N_opt in percent, a in thousandths; N_opt at 10 and 100 times the largest budget.\n")
    print(f"{'surface':<11} {'drift':>5} {'sizes':>5}  " + "".join(f"{name:^32}" for name in SHOWN))
    print(" " * 25 + f"{'D*':>8}{'a':>8}{'N 10x':>8}{'N 100x':>8}" * len(SHOWN))
    for surface in SURFACES:
        for drift in (1.0, 2.0):
            for width in WIDTHS:
                if drift < width:
                    found = [Bias.of(Design(surface, width, 11, drift=drift), name) for name in SHOWN]
                    numbers = "".join(f"{b.d:8.2f}{b.a:8.2f}{b.n_10:8.2f}{b.n_100:8.2f}" for b in found)
                    print(f"{surface:<11} {drift:5g} {f'±{width}':>5}  {numbers.replace('-0.00', ' 0.00')}")
    print(flush=True)


@dataclass(frozen=True)
class Cell:
    """One design, one noise, one shape, many sweeps."""

    design: Truth
    noise: float
    shape: str
    sweeps: int
    seed: int = 0

    def run(self) -> dict[str, tuple[float, ...]]:
        """For each target: bias, root mean square error, percent covered, mean width of the interval; share fitted."""
        rng = np.random.default_rng(self.seed)
        errors: dict[str, list[Array]] = {}
        ends: dict[str, list[Array]] = {}
        for first in range(0, self.sweeps, CHUNK):
            point, draws, tail = self._chunk(min(CHUNK, self.sweeps - first), rng)
            for name, error_S in point.items():
                fine = np.isfinite(error_S)
                errors.setdefault(name, []).append(error_S[fine])
                # Weibull's rule makes quantiles of few draws unbiased, so that 200 resamples stand for any number.
                cut = np.nanquantile(draws[name][fine], [tail, 1 - tail], axis=1, method="weibull")
                ends.setdefault(name, []).append(cut)
        found: dict[str, tuple[float, ...]] = {}
        for name, parts in errors.items():
            error_S, (low_S, high_S) = np.concatenate(parts), np.concatenate(ends[name], axis=1)
            covered, rmse = float(((low_S <= 0) & (high_S >= 0)).mean()), float(np.sqrt((error_S**2).mean()))
            width, fitted = float((high_S - low_S).mean()), len(error_S) / self.sweeps
            found[name] = (float(error_S.mean()), rmse, 100 * covered, width, fitted)
        return found

    def _chunk(self, many: int, rng: np.random.Generator) -> tuple[dict[str, Array], dict[str, Array], float]:
        """Errors of the point fits, errors of their resamples, and the share of draws beyond each end."""
        every, shape = self.design.curves(), SHAPES[self.shape]
        truth_M = np.concatenate([curve.y_M for curve in every])
        y_SM = truth_M + self.noise * rng.standard_normal((many, len(truth_M)))
        found = minima(every, shape, y_SM)
        good_SB = best_inside(every, y_SM) & np.isfinite(found.ln_n_SB)
        point = power_laws(np.log(self.design.budgets), found.counting(good_SB))
        draws = resampled(every, shape, y_SM, found, good_SB, RESAMPLES, rng)
        tail = bootstrap.tail(LEVEL, len(truth_M) - shape.count(sections(every)))
        return targets(self.design, point), targets(self.design, draws), tail


def print_noise(sweeps: int) -> None:
    """Two rows a cell and shape: two processes share the work."""
    print(
        f"With noise: {sweeps:,} sweeps a cell, {RESAMPLES} resamples each. Bias and root mean square error of a, and"
    )
    print("of ln N_opt at 10 and 100 times the largest budget; cover: percent of 95% intervals that hold the truth;")
    print("width: their mean width; of the sweeps that could be fitted, whose percentage is the last column.\n")
    heads = "".join(f"{name:^32}" for name in ("a", "ln N 10x", "ln N 100x"))
    print(f"{'design':<33} {'noise':>5}  {'shape':<16}{heads}{'fitted':>8}")
    print(" " * 57 + f"{'bias':>9}{'rmse':>8}{'cover':>7}{'width':>8}" * 3)
    designs = (*DESIGNS, Quickstart.read())
    cells = [Cell(d, noise, name, sweeps) for d in designs for noise in NOISES for name in SHOWN]
    with ProcessPoolExecutor(2) as pool:
        for cell, found in zip(cells, pool.map(Cell.run, cells), strict=True):
            numbers = "".join(f"{b:9.4f}{e:8.4f}{c:7.1f}{w:8.3f}" for b, e, c, w, _ in found.values())
            print(
                f"{cell.design.name:<33} {100 * cell.noise:4g}%  {cell.shape:<16}{numbers}{100 * found['a'][4]:8.1f}",
                flush=True,
            )


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description="Bias and coverage of isoFLOP curves.")
    parser.add_argument("--sweeps", type=int, default=2000, help="sweeps a cell")
    parser.add_argument("--quick", action="store_true", help="the bias alone")
    parser.add_argument("--picture", type=Path, default=None, help="draw the bias to this file and do nothing else")
    chosen = parser.parse_args()
    if chosen.picture is not None:
        from tests.benchmarks.isoflop_picture import draw

        return draw(chosen.picture)
    print_bias()
    if not chosen.quick:
        start = time.perf_counter()
        print_noise(chosen.sweeps)
        print(f"\n{time.perf_counter() - start:.0f} s on two processes.")


if __name__ == "__main__":
    main()
