"""What the benchmark prints of memory is what is known of it."""

from pathlib import Path

from tests.benchmarks.memory_axes import checkpointing, state
from tests.training.tiny import tiny_corpus


def test_checkpointing_saves_and_the_estimate_is_from_above(tmp_path: Path):
    header, *rows = checkpointing(tiny_corpus(tmp_path), [4], repetitions=1)
    plain, again = ([float(cell) for cell in row.split()[2:4]] for row in rows)
    assert header.startswith("layers")
    assert again[0] < plain[0]
    assert plain[0] <= plain[1] and again[0] <= again[1]


def test_eight_bits_are_a_quarter_of_the_state(tmp_path: Path):
    _, plain, small = (row.split() for row in state(tiny_corpus(tmp_path), repetitions=1, n_layer=1))
    assert float(plain[1]) == 8.0
    assert 2.0 < float(small[1]) < 2.2
