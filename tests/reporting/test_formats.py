"""How numbers are written, against what a reader expects."""

import math

import pytest

from workbench.reporting import formats


@pytest.mark.parametrize(
    ("value", "written"),
    [(3.7712, "3.77"), (0.9999, "1.00"), (999.6, "1000"), (-0.02, "-0.0200"), (0, "0"), (1e-7, "10⁻⁷")],
)
def test_numbers_keep_their_significant_digits(value, written):
    assert formats.number(value) == written


@pytest.mark.parametrize(("value", "written"), [(1e11, "10¹¹"), (3.16e11, "3.16×10¹¹"), (2e-5, "2×10⁻⁵"), (0, "0")])
def test_powers_have_real_superscripts(value, written):
    assert formats.power(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [(45100, "45.1k"), (999_999, "1.00M"), (1.07e7, "10.7M"), (70e9, "70.0B"), (12, "12"), (1.4e12, "1.40T")],
)
def test_counts_have_the_unit_they_round_to(value, written):
    assert formats.count(value) == written


@pytest.mark.parametrize(
    ("value", "written"), [(0.8, "0.8 s"), (59.7, "1 min 00 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")]
)
def test_durations_read_as_people_say_them(value, written):
    assert formats.seconds(value) == written


@pytest.mark.parametrize("style", [*formats.STYLES, "interval", "interval-count", "text"])
def test_what_is_missing_is_a_dash_in_every_style(style):
    assert formats.show(None, style) == formats.MISSING
    if style in formats.STYLES:
        assert formats.show(math.nan, style) == formats.MISSING


def test_an_interval_is_shown_in_the_style_of_its_value():
    assert formats.show([41000.0, 45100.0], "interval-count") == "41.0k to 45.1k"
    assert formats.show([None, None], "interval") == formats.MISSING


def test_truth_is_yes_or_no():
    assert [formats.show(True), formats.show(False)] == ["yes", "no"]


@pytest.mark.parametrize(
    ("value", "written"),
    [(0, "0 bytes"), (512, "512 bytes"), (36_864, "36.9 kB"), (999_999, "1.00 MB"), (2e16, "20.0 PB")],
)
def test_sizes_have_the_unit_they_round_to(value, written):
    assert formats.size(value) == written
    assert formats.show(value, "bytes") == written
