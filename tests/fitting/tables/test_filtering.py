"""`--where`: the rows it keeps, and what is said of an expression that is none."""

import pandas as pd
import pytest

from tests.fitting.designs import isoflop
from workbench.errors import BadInput
from workbench.fitting.tables.canonical import filtered


def test_where_keeps_the_rows_for_which_it_is_true():
    table = isoflop().assign(loss=lambda t: t["loss"].where(t.index != 2))
    kept = filtered(table, "loss < 5 AND n > 30000")
    expected = table[(table["loss"] < 5) & (table["n"] > 30000)]
    pd.testing.assert_frame_equal(kept, expected)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("loss <", "a syntax error at its end"),
        ("(loss > 1", "a syntax error at its end"),
        ("loss = = 2", "a syntax error near '='"),
        ("1; DROP TABLE source", "a syntax error near ';'"),
        ("'abc", "a quote or a comment is not closed"),
        ("nothing = 1", "names the column nothing; the columns of the table are c, n, budget, d, loss."),
        ("source.nothing = 1", "names the column nothing"),
        ("'word'", "the text 'word' is neither true nor false"),
        ("loss < 'low'", "the text 'low' is no number"),
        ("squeeze(loss) > 1", "calls squeeze, and there is no such function"),
        ("lower(loss) = 'a'", "compares or combines text with numbers"),
        ("sum(loss) > 1", "sums over rows"),
        ("unnest([loss, 1]) > 1", "does not give one answer for each row"),
        ("loss > ?", "holds a placeholder"),
        ("loss IN (SELECT * FROM read_csv('/etc/passwd'))", "reads something else than the table"),
        ("loss > (SELECT max(x) FROM other)", "reads something else than the table"),
        ("loss = [1]", "is no boolean expression"),
    ],
)
def test_a_filter_that_is_no_expression_is_refused_in_our_own_words(where, message):
    with pytest.raises(BadInput) as caught:
        filtered(isoflop(), where)
    said = str(caught.value)
    assert f"where is '{where}'" in said and message in said
    assert not any(word in said for word in ("Error", "LINE", "Binder", "Candidate", "CAST", "FROM clause", "\n"))


def test_the_example_of_a_refusal_names_columns_that_are_there():
    runs = isoflop().rename(columns={"n": "n_params"})
    with pytest.raises(BadInput, match="loss < 4 AND n_params > 1e6"):
        filtered(runs, "loss <")


def test_a_filter_may_have_lines_and_comments():
    assert len(filtered(isoflop(), "loss < 5 -- the good ones\n AND n > 30000")) == len(
        filtered(isoflop(), "loss < 5 AND n > 30000")
    )


def test_a_filter_that_keeps_nothing_is_refused():
    with pytest.raises(BadInput, match="no row of"):
        filtered(isoflop(), "loss < 0")
