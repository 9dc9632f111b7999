"""The split is compared with its definition: by the document's own hash, nothing on both sides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.corpus.documents import Placed, digest
from workbench.corpus.split import split
from workbench.errors import BadInput


def placed(text: str) -> Placed:
    return Placed(text, text, digest(text), separated=True)


@given(st.sets(st.text(min_size=1), min_size=2, max_size=60), st.floats(0.001, 0.999))
def test_every_document_is_on_exactly_one_side_and_no_side_is_empty(texts: set[str], fraction: float) -> None:
    train, validation = split([placed(text) for text in texts], fraction)
    assert train
    assert validation
    assert sorted([*(d.text for d in train), *(d.text for d in validation)]) == sorted(texts)


def test_the_share_is_the_fraction_asked_for() -> None:
    documents = [placed(str(i)) for i in range(20_000)]
    _, validation = split(documents, 0.02)
    assert 0.017 < len(validation) / 20_000 < 0.023


def test_a_document_keeps_its_side_whatever_else_is_in_the_corpus() -> None:
    documents = [placed(str(i)) for i in range(1000)]
    few, many = split(documents[:500], 0.1)[1], split(documents, 0.1)[1]
    assert few == [document for document in many if int(document.text) < 500]


def test_one_document_cannot_be_split() -> None:
    with pytest.raises(BadInput, match=r"has 1 document after cleaning .* needs at least 2"):
        split([placed("alone")], 0.5)
    with pytest.raises(BadInput, match="has 0 documents"):
        split([], 0.5)
