"""The order by hash is compared with sorting everything."""

from hypothesis import given
from hypothesis import strategies as st

from workbench.corpus.documents import Placed, digest, n_bytes, smallest


def placed(text: str) -> Placed:
    return Placed(text, text, digest(text), separated=True)


texts = st.lists(st.text(min_size=1, max_size=20), max_size=40, unique=True)


@given(texts, st.integers(1, 200))
def test_a_limit_takes_a_prefix_of_the_order_by_hash(strings: list[str], limit: int) -> None:
    everything = smallest(map(placed, strings), None)
    assert [document.digest for document in everything] == sorted(map(digest, strings))
    limited = smallest(map(placed, strings), limit)
    assert limited == everything[: len(limited)]
    total = sum(document.n_bytes for document in limited)
    assert total <= limit or len(limited) == 1
    if len(limited) < len(everything):
        assert total + everything[len(limited)].n_bytes > limit


@given(texts)
def test_reading_in_another_order_changes_nothing(strings: list[str]) -> None:
    assert smallest(map(placed, strings), 50) == smallest(map(placed, reversed(strings)), 50)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_bytes_are_those_of_utf8(text: str) -> None:
    assert n_bytes(text) == len(text.encode())
