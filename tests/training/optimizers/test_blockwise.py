"""References: the code's definition, and the nearest of 256 numbers found by looking at all of them."""

import torch

from workbench.training.optimizers.blockwise import dequantise, dynamic_codes, quantise


def test_a_code_is_an_exponent_and_a_fraction() -> None:
    signed, unsigned = dynamic_codes(signed=True), dynamic_codes(signed=False)
    for codes in (signed, unsigned):
        assert len(codes) == len(codes.unique()) == 256
        assert {0.0, 1.0} <= set(codes.tolist()) and codes.abs().max() == 1
    # 2^i codes at the i-th power of ten for each sign, and 2^(i+1) without one.
    for i in range(7):
        low, high = 10.0 ** (i - 7), 10.0 ** (i - 6)
        assert ((signed > low) & (signed < high)).sum() == ((signed < -low) & (signed > -high)).sum() == 2**i
        assert ((unsigned > low) & (unsigned < high)).sum() == 2 ** (i + 1)
    assert unsigned[1].item() == torch.tensor(0.325e-6).item()  # the middle of the lower half of [0.1, 1] · 1e-6


def test_every_number_becomes_the_nearest_code_of_its_block() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, 200, generator=generator) * 10 ** torch.randn(3, 200, generator=generator)
    for signed, numbers in ((True, x), (False, x.square())):
        kept = quantise(numbers, signed)
        assert kept["codes"].dtype == torch.uint8 and kept["absmax"].dtype == torch.float32
        assert (len(kept["codes"]), len(kept["absmax"])) == (600, 3)
        found = dequantise(kept, numbers.shape, signed)
        for block, back in zip(numbers.flatten().split(256), found.flatten().split(256), strict=True):
            scaled = block.double() / block.abs().max()
            distances = (scaled[:, None] - dynamic_codes(signed).double()).abs()
            error = (back.double() / block.abs().max() - scaled).abs()
            # Unsigned, the code 0 is for 0 alone, and the next one for all that is nearer to 0.
            torch.testing.assert_close(error, distances[:, 0 if signed else 1 :].min(dim=1).values, rtol=0, atol=4e-7)


def test_zero_comes_back_as_zero_and_nothing_else_does_without_a_sign() -> None:
    zeros = torch.zeros(300)
    assert torch.equal(dequantise(quantise(zeros, signed=True), zeros.shape, signed=True), zeros)
    small = torch.tensor([1.0, 1e-20, 0.0])
    back = dequantise(quantise(small, signed=False), small.shape, signed=False)
    assert back[1] > 0 and back[2] == 0


def test_numbers_beside_every_boundary_become_the_right_code() -> None:
    for signed in (True, False):
        codes = dynamic_codes(signed)
        middles = (codes[:-1] + codes[1:]) / 2
        if not signed:
            middles = middles[1:]
        above = torch.nextafter(middles, torch.tensor(torch.inf))
        for numbers, wanted in ((middles, codes[-len(middles) - 1 : -1]), (above, codes[-len(middles) :])):
            block = torch.cat((numbers, torch.ones(1)))  # the block's largest is 1
            assert torch.equal(dequantise(quantise(block, signed), block.shape, signed)[:-1], wanted)
