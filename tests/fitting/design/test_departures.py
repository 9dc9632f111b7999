"""The test of departures from the law, by simulation."""

import numpy as np
import pytest

from workbench.fitting.design.departures import Departures, p_values
from workbench.fitting.laws import LAWS

LAW = LAWS["chinchilla"]


def test_the_test_of_departures_is_level_and_sees_a_bend():
    rng = np.random.default_rng(0)
    x_MF = rng.uniform(-2, 2, (40, 2))
    theta_P = np.array([-0.5, -1.5, -1.5, 0.3, 0.4])
    j_MP = LAW.jacobian(theta_P[None], x_MF)[1][0].T
    shape_MQ = Departures.over(x_MF).shapes(x_MF)
    noise = rng.standard_normal((2000, 40))
    assert (p_values(j_MP, shape_MQ, noise) < 0.05).mean() == pytest.approx(0.05, abs=0.015)
    assert (p_values(j_MP, shape_MQ, noise + 30 * shape_MQ[:, 1]) < 0.05).mean() > 0.9
