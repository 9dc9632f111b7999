"""Norms against their formulas in float64."""

import pytest
import torch

from tests.models.shapes import small
from workbench.models.norms import build_norm


@pytest.mark.parametrize("scale", [1e-3, 1.0, 100.0])
def test_layernorm_is_the_standardised_stream_with_gain_and_bias(scale: float):
    norm = build_norm(small(norm="layernorm")).double()
    gain, bias, x = torch.randn(3, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    norm.load_state_dict({"weight": gain, "bias": bias})
    x = scale * x
    mean = x.sum() / 16
    variance = ((x - mean) ** 2).sum() / 16
    torch.testing.assert_close(norm(x), (x - mean) / (variance + 1e-5) ** 0.5 * gain + bias)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 100.0])
def test_rmsnorm_is_the_stream_over_its_root_mean_square(scale: float):
    norm = build_norm(small(norm="rmsnorm")).double()
    gain, x = torch.randn(2, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    norm.load_state_dict({"weight": gain})
    x = scale * x
    torch.testing.assert_close(norm(x), x / ((x**2).sum() / 16 + 1e-5) ** 0.5 * gain)


def test_without_biases_layernorm_has_a_gain_alone():
    assert [name for name, _ in build_norm(small(bias=False)).named_parameters()] == ["weight"]
