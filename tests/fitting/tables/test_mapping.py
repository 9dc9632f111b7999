"""Which column is which: names of papers and trackers, choices left to the person, conventions stated."""

import pandas as pd
import pytest

from tests.fitting.designs import isoflop
from tests.fitting.files import refusal, written
from workbench.errors import BadInput
from workbench.fitting import NotIdentifiable, read_table
from workbench.fitting.tables.canonical import canonical, checked, stated


def test_names_of_trackers_are_known_and_the_conventions_say_which_was_taken(tmp_path):
    text = "Name,State,model/params,train/tokens,total_flos,validation_loss,lr\na,finished,1e6,2e7,1.3e14,4,1e-3\n"
    table = read_table(written(tmp_path / "a.csv", text))
    assert table[["n", "d", "c", "loss", "rate"]].to_numpy().tolist() == [[1e6, 2e7, 1.3e14, 4.0, 1e-3]]
    said = table.attrs["conventions"]
    assert "column model/params of" in said["N"] and "every parameter" in said["N"]
    assert "train/tokens" in said["D"] and said["C"].endswith("1.08 to 1.08 times 6ND")
    assert "nats per token" in said["loss"]


def test_compute_that_is_6nd_is_said_to_be_and_another_unit_is_remarked_on():
    table = isoflop()
    assert canonical(table).attrs["conventions"]["C"].endswith("it is 6ND within 1%")
    assert not canonical(table).attrs["notes"]
    (note,) = canonical(table.assign(c=table["c"] / 8.64e19)).attrs["notes"]
    assert note == "C is 1.16e-20 times 6ND at the median: is it in FLOPs, and are N and D right?"


def test_a_count_without_embeddings_alone_is_n_and_said_to_be():
    table = canonical(pd.DataFrame({"N_no_embed": [1e6], "D": [2e7], "loss": [3.0]}))
    assert table["n"].tolist() == [1e6] and "n_non_embedding" not in table
    assert stated(table, "n")["N"] == "column N_no_embed of the table, non-embedding parameters"


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("n,d,val_loss,eval/loss", "has val_loss and eval/loss, each of which could be the loss; choose one with "
         "--columns loss=val_loss."),
        ("n,d,train/loss,val/loss", "--columns loss=val/loss."),
        ("params,n_parameters,d,loss", "has params and n_parameters, each of which could be n; choose one with"),
        ("n,d,loss,loss", "has the column 'loss' twice; each column needs its own name."),
        ("n,d,ppl,x", "the column ppl is a perplexity, and laws are of the loss; add a column with its natural log"),
        ("n,d,eval/perplexity,x", "the column eval/perplexity is a perplexity"),
        ("n,d,loss_c4_val,lr", "has no column 'loss' for loss; it has loss_c4_val, n, d, lr (name one with"),
    ],
)  # fmt: skip
def test_a_header_that_leaves_a_choice_is_refused_and_the_choice_named(tmp_path, header, message):
    assert message in refusal(tmp_path / "a.csv", f"{header}\n1e6,2e7,3,4\n")


def test_two_columns_with_the_same_values_leave_no_choice():
    table = pd.DataFrame({"n": [1, 2], "params": [1.0, 2.0], "d": [3, 4], "val_loss": [3.0, 2.0], "L": [3, 2]})
    found = canonical(table)
    assert found[["n", "d", "loss"]].to_numpy().tolist() == [[1.0, 3.0, 3.0], [2.0, 4.0, 2.0]]


def test_of_two_columns_that_no_law_must_have_neither_is_taken_and_a_text_is_not_a_number():
    table = pd.DataFrame({"n": [1.0], "d": [2.0], "loss": [3.0], "lr": [1e-3], "peak_lr": [2e-3], "error": ["OOM"]})
    found = canonical(table)
    assert "rate" not in found and "error" not in found
    assert "lr and peak_lr could each be a learning rate: none is taken (rate)." in found.attrs["notes"]
    assert "Column error is not taken as an error rate: its values are none." in found.attrs["notes"]
    with pytest.raises(BadInput, match="column error, row 1: 'OOM' is not a number"):
        canonical(table, {"error": "error"})


def test_a_mapping_to_a_perplexity_is_refused():
    with pytest.raises(BadInput, match="natural logarithm"):
        canonical(pd.DataFrame({"n": [1.0], "d": [2.0], "val_ppl": [3.0]}), {"loss": "val_ppl"})


def test_a_table_whose_response_is_no_loss_is_taken_and_a_law_of_the_loss_then_says_what_it_needs():
    table = canonical(pd.DataFrame({"kl": [0.0, 4.0], "gold_reward": [0.0, -1.5], "params": [1e6, 1e6]}))
    kept, notes = checked(table, ("kl", "n", "reward"))
    assert kept["reward"].tolist() == [0.0, -1.5] and notes == ()
    with pytest.raises(
        NotIdentifiable, match="the law needs the column loss, a loss, which was not found; the table has n, kl, reward"
    ):
        checked(table, ("n", "loss"))
