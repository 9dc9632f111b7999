"""Rotations against complex multiplication, sinusoids against Vaswani's formula, both in plain numbers."""

import cmath
import math

import torch

from tests.models.shapes import small
from workbench.models.positions import alibi_slopes, rotate, rotation, sinusoids


def test_rotation_is_multiplication_by_a_unit_complex_number():
    K, base = 6, 10_000.0
    x = torch.randn(1, 1, 5, K, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    turned = rotate(x, rotation(torch.arange(5), small(d_head=K, rope_base=base)))
    for p in range(5):
        for i in range(K // 2):  # coordinate i with i + K/2: the half-rotated convention
            z = complex(x[0, 0, p, i], x[0, 0, p, i + K // 2]) * cmath.exp(1j * p * base ** (-2 * i / K))
            assert math.isclose(turned[0, 0, p, i], z.real, abs_tol=1e-6)
            assert math.isclose(turned[0, 0, p, i + K // 2], z.imag, abs_tol=1e-6)


def test_scores_of_rotated_vectors_depend_on_distance_alone():
    q, k = torch.randn(2, 1, 1, 1, 8, generator=torch.Generator().manual_seed(0))

    def score(at: int, to: int) -> float:
        turned = [
            rotate(x, rotation(torch.tensor([p]), small(d_head=8, rope_base=100.0))) for x, p in ((q, at), (k, to))
        ]
        return float((turned[0] * turned[1]).sum())

    assert math.isclose(score(9, 4), score(25, 20), rel_tol=1e-4)
    assert not math.isclose(score(9, 4), score(9, 5), rel_tol=1e-2)


def test_sinusoids_follow_the_formula():
    D = 6
    table = sinusoids(torch.tensor([0, 1, 50]), D)
    for row, p in zip(table, (0, 1, 50), strict=True):
        for i in range(D // 2):
            angle = p / 10_000 ** (2 * i / D)
            assert math.isclose(row[2 * i], math.sin(angle), abs_tol=1e-5)
            assert math.isclose(row[2 * i + 1], math.cos(angle), abs_tol=1e-5)


def test_interleaved_pairs_are_the_halves_in_another_order():
    x = torch.randn(1, 1, 5, 8, generator=torch.Generator().manual_seed(0))
    order = torch.tensor([0, 2, 4, 6, 1, 3, 5, 7])  # from pairs of neighbours to halves
    interleaved = rotate(x, rotation(torch.arange(5), small(d_head=8, rope_pairing="interleaved")), "interleaved")
    halves = rotate(x[..., order], rotation(torch.arange(5), small(d_head=8)))
    torch.testing.assert_close(interleaved[..., order], halves)


def test_alibi_slopes_are_the_papers_and_for_other_numbers_of_heads_its_codes():
    assert alibi_slopes(8) == [2**-k for k in range(1, 9)]
    assert alibi_slopes(16)[:2] == [2**-0.5, 2**-1]
    assert alibi_slopes(6) == [2**-2, 2**-4, 2**-6, 2**-8, 2**-1, 2**-3]
