"""The noise a design reckons with."""

import numpy as np
import pandas as pd
import pytest

from workbench.fitting.design.noise import noise_of


def test_noise_is_constant_unless_the_residuals_show_otherwise():
    rng = np.random.default_rng(0)
    x_MF = rng.uniform(-2, 2, (60, 2))
    even = pd.DataFrame({"residual": 0.01 * rng.standard_normal(60)})
    assert noise_of(even, x_MF, 5).slopes_F == ()
    assert noise_of(even, x_MF, 5).at(x_MF) ** 0.5 == pytest.approx(np.full(60, 0.01), rel=0.25)


def test_noise_that_falls_with_size_is_followed_but_never_beyond_the_points():
    rng = np.random.default_rng(1)
    x_MF = rng.uniform(-2, 2, (200, 2))
    falling = pd.DataFrame({"residual": 0.01 * np.exp(-0.5 * x_MF[:, 0]) * rng.standard_normal(200)})
    noise = noise_of(falling, x_MF, 5)
    assert noise.slopes_F == pytest.approx((-1.0, 0.0), abs=0.25)
    assert noise.at(np.array([[50.0, 0.0]])) == pytest.approx(np.exp(noise.within[0]))
    assert "not constant" in noise.said[1]


def test_seeds_of_one_configuration_tell_the_pure_error():
    table = pd.DataFrame({"cluster": ["a", "a", "b"], "residual": [0.01, 0.03, 0.5]})
    assert noise_of(table, np.zeros((3, 2)), 1).pure == pytest.approx(0.0002)
