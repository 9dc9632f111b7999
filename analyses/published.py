"""What others measured, to stand beside a fit: exponents of the optimal allocation, as the papers print them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """N_opt ∝ C^a, D_opt ∝ C^b; the interval as the paper states it, with its level."""

    source: str
    approach: str
    a: float
    b: float
    a_interval: tuple[float, float] | None = None
    b_interval: tuple[float, float] | None = None
    level: float | None = None
    convention: str = "total"


PUBLISHED = (
    Published("Kaplan et al. 2020", "fit of the best N", 0.73, 0.27, convention="non-embedding"),
    Published("Hoffmann et al. 2022", "1, envelope", 0.50, 0.50, (0.488, 0.502), (0.501, 0.512), 0.80),
    Published("Hoffmann et al. 2022", "2, isoFLOP", 0.49, 0.51, (0.462, 0.534), (0.483, 0.529), 0.80),
    Published("Hoffmann et al. 2022", "3, parametric", 0.46, 0.54, (0.454, 0.455), (0.542, 0.543), 0.80),
    # Their 95% interval is ±1.96 of the bootstrap's standard error, 0.020.
    Published("Besiroglu et al. 2024", "3, parametric, refitted", 0.513, 0.487, (0.474, 0.552), (0.448, 0.526), 0.95),
)
"""arXiv 2001.08361 (section 6.1), 2203.15556 (table 2; 10th to 90th percentile), 2404.10102 (section 3)."""
