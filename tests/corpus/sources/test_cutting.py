"""Cutting is compared with joining: nothing is lost and nothing is much longer than asked for."""

from hypothesis import given
from hypothesis import strategies as st

from workbench.corpus.sources.cutting import cut


@given(st.text("ab \n", max_size=300), st.integers(1, 40))
def test_the_pieces_are_the_text(text: str, size: int) -> None:
    pieces = list(cut(text, size))
    assert "".join(pieces) == text
    assert all(0 < len(piece) <= 2 * size for piece in pieces)


def test_cuts_fall_at_the_ends_of_lines_else_at_blanks() -> None:
    assert list(cut("aaaa\nbbbb\ncccc\n", 4)) == ["aaaa\n", "bbbb\n", "cccc\n"]
    assert list(cut("aaaa bbbb cccc", 4)) == ["aaaa ", "bbbb ", "cccc"]
