"""Ticks are round and few; colours follow the logarithm."""

import numpy as np
import pytest

from workbench.reporting import theme


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (1e11, 1e15, [1e11, 1e12, 1e13, 1e14, 1e15]),
        (4e4, 6e5, [5e4, 1e5, 2e5, 5e5]),
        (3e5, 4e7, [3e5, 1e6, 3e6, 1e7, 3e7]),
        (2.9, 5.2, [3.0, 3.5, 4.0, 4.5, 5.0]),
    ],
)
def test_ticks_are_round_numbers(low, high, ticks):
    found = theme.log_ticks(low, high)
    assert set(ticks) <= {float(f"{tick:.6g}") for tick in found}


@pytest.mark.parametrize("ratio", [1.001, 1.05, 1.3, 2, 5, 30, 1e3, 1e6, 1e15])
@pytest.mark.parametrize("low", [0.7, 3.1, 4.5e4, 9.9e11])
def test_every_range_has_a_few_ticks_within_it(low, ratio):
    ticks = theme.log_ticks(low, low * ratio)
    assert 2 <= len(ticks) <= 9
    assert all(low * (1 - 1e-6) <= tick <= low * ratio * (1 + 1e-6) for tick in ticks)


def test_labels_have_no_idle_zeros():
    assert [theme.label(x, "count") for x in (1000, 1.5e6, 3e5, 20e9, 10)] == ["1k", "1.5M", "300k", "20B", "10"]
    assert theme.label(1e12, "power") == "10¹²"
    assert theme.label(3.5, "plain") == "3.5"


def test_an_axis_covers_its_values_and_ignores_what_is_not_positive():
    axis = theme.log_axis([0.0, np.nan, 10.0, 1000.0], "x")
    low, high = axis["range"]
    assert low < 1 < 3 < high
    assert theme.log_axis([np.nan], "x") == {"type": "log", "title": {"text": "x"}}


def test_a_single_value_has_an_axis_and_a_colour():
    assert theme.log_axis([5.0, 5.0], "x")["range"][0] < np.log10(5) < theme.log_axis([5.0], "x")["range"][1]
    assert theme.shade(5.0, 5.0, 5.0).startswith("rgb")


def test_shades_follow_the_logarithm():
    assert theme.shade(1e12, 1e11, 1e13) == theme.shade(1e3, 1e2, 1e4)
    assert theme.shade(1e11, 1e11, 1e13) != theme.shade(1e13, 1e11, 1e13)
