"""De-duplication is compared with counting: after it, no long line is there twice."""

from workbench.corpus.deduplication import LONG_LINE, Deduplicator
from workbench.corpus.documents import digest

LICENCE = "# Licensed under the terms that this line repeats in each file\n"


def test_a_document_is_new_once() -> None:
    seen = Deduplicator()
    assert [seen.is_new(digest(text)) for text in ("a", "b", "a")] == [True, True, False]


def test_a_long_line_stays_at_its_first_occurrence_only_within_and_across_documents() -> None:
    seen = Deduplicator()
    assert seen.drop_repeated_lines(LICENCE + "x = 1\n" + LICENCE) == LICENCE + "x = 1\n"
    assert seen.drop_repeated_lines("y = 2\n    " + LICENCE) == "y = 2\n"
    assert seen.dropped_lines == 2


def test_short_lines_repeat_as_grammar_does() -> None:
    line = "x" * (LONG_LINE - 1) + "\n"
    assert Deduplicator().drop_repeated_lines(line * 3) == line * 3
    longer = "x" * LONG_LINE + "\n"
    assert Deduplicator().drop_repeated_lines(longer * 3) == longer


def test_blanks_around_a_line_do_not_make_it_long() -> None:
    line = " " * LONG_LINE + "return None\n"
    assert Deduplicator().drop_repeated_lines(line * 2) == line * 2
