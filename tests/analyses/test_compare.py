"""Groups whose compute for the same loss is known: the number is recovered, and what may not be compared is refused."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.benchmarks.group_truths import GROUPS, Truth
from tests.factories import add_twin, make_store
from workbench.analyses import compare_words as words
from workbench.analyses.comparable import Side, together
from workbench.analyses.compare import ONE_E, compare, paired
from workbench.analyses.compare_groups import by_conditions, by_key, by_sweeps, differences, keys, usable_sweeps
from workbench.analyses.compare_report import report
from workbench.analyses.compare_view import CompareAsk, comparison
from workbench.analyses.selection import Selection
from workbench.errors import BadInput
from workbench.fitting.forecasts.cost import Cost
from workbench.fitting.forecasts.surface import Estimate
from workbench.fitting.groups.nested import Ladder
from workbench.fitting.laws import LAWS
from workbench.store import Store

TIMES = 0.8


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = make_store(tmp_path_factory.mktemp("compared") / "store")
    add_twin(folder, times=TIMES)
    return folder


@pytest.fixture(scope="module")
def runs(store):
    return Store(store).runs()


@pytest.fixture(scope="module")
def found(runs):
    return compare(by_key(runs, "activation", ["gelu-tanh", "swiglu"]), resamples=200)


def sides(truth: Truth, seed: int = 0) -> list[Side]:
    table = truth.draw(np.random.default_rng(seed))
    return [Side(group, table=table[table["group"] == group]) for group in GROUPS]


def held(one: Estimate | None, truth: float) -> bool:
    return one is not None and one.interval[0] <= truth <= one.interval[1]


def test_the_number_of_times_is_recovered(found):
    one = found.middle("swiglu")
    assert held(one, TIMES) and one.value == pytest.approx(TIMES, rel=0.03)
    assert one.interval[1] / one.interval[0] < 1.1
    assert held(found.paired["swiglu"].times, TIMES) and len(found.paired["swiglu"].points) == 30


def test_equal_points_are_worth_the_compute_of_the_frontier_where_cost_is_tilted():
    cost = Cost(9.0, -0.2)
    law: Any = {"E": 1.7, "A": 60.0, "B": 300.0, "alpha": 0.5, "beta": 0.3}
    best = [LAWS["chinchilla"].predict(law, n=n, d=d) for n, d in (cost.optimum(LAWS["chinchilla"], law, c) for c in
            (1e12, 1e13))]  # fmt: skip
    gamma = np.log10((best[0] - 1.7) / (best[1] - 1.7))
    table = pd.DataFrame({"n": np.tile([1e4, 1e5, 1e6], 2), "d": 1e7, "group": np.repeat(["a", "b"], 3)})
    loss = LAWS["chinchilla"].predict(law, n=table["n"].to_numpy(), d=table["d"].to_numpy())
    table["loss"] = 1.7 + (loss - 1.7) * np.where(table["group"] == "b", 0.9, 1.0)
    found = Ladder((), params={ONE_E: law})
    one = paired(table, ["a", "b"], "n", found, {"a": cost, "b": cost}, 0.95)["b"].times
    assert one is not None and one.value == pytest.approx(0.9 ** (1 / gamma))


def test_with_one_irreducible_loss_it_is_one_number(runs):
    one = compare(by_key(runs, "activation", ["gelu-tanh", "swiglu"]), share_e=True, resamples=100)
    assert one.at_losses["times"].to_numpy() == pytest.approx(one.at_losses["times"].iloc[0], rel=1e-9)
    assert held(one.middle("swiglu"), TIMES)
    assert "at every loss" in words.shared(one)


def test_the_other_way_about_it_is_the_inverse(runs, found):
    turned = compare(by_key(runs, "activation", ["swiglu", "gelu-tanh"]), resamples=0)
    assert turned.middle("gelu-tanh").value == pytest.approx(1 / found.middle("swiglu").value, rel=0.01)
    assert "(no interval)" in words.answer(turned, "gelu-tanh")


def test_a_group_that_pays_more_for_the_same_tokens_is_charged(runs):
    dearer = runs.assign(flops=runs["flops"].where(runs["activation"] == "gelu-tanh", 1.3 * runs["flops"]))
    one = compare(by_key(dearer, "activation", ["gelu-tanh", "swiglu"]), share_e=True, resamples=100)
    assert held(one.middle("swiglu"), 1.3 * TIMES)
    assert held(one.paired["swiglu"].times, 1.3 * TIMES)
    assert "pays 1.30 times the FLOPs of gelu-tanh" in words.prices(one)


def test_three_groups_are_held_against_the_first():
    table = Truth().draw(np.random.default_rng(3))
    third = Truth(times=1.5).draw(np.random.default_rng(4))
    groups = [Side("a", table=table[table["group"] == "a"])]
    groups += [Side("b", table=table[table["group"] == "b"]), Side("c", table=third[third["group"] == "b"])]
    one = compare(groups, resamples=100)
    assert held(one.middle("b"), 0.8) and held(one.middle("c"), 1.5)
    assert words.answers(one)[0].count("reaches the losses of a") == 2


def test_another_exponent_is_said_to_change_the_number():
    one = compare(sides(Truth(alpha=0.45)), resamples=50)
    assert words.shared(one).startswith("A law for each group fits these runs better than one of shared exponents")


def test_without_common_points_the_law_alone_answers():
    one = compare(sides(Truth(shifted=True)), resamples=100)
    assert not one.paired and held(one.middle("b"), 0.8)
    assert words.equal_points(one, "b").startswith("b and a have no point of the same N and D")


def test_groups_that_reach_no_common_loss_are_said_to_be_extrapolated():
    table = Truth().draw(np.random.default_rng(0))
    small, large = (table["group"] == "a") & (table["c"] < 4e11), (table["group"] == "b") & (table["c"] > 2e12)
    wide = table[large].assign(c=4 * table["c"], d=4 * table["d"])
    groups = [Side("a", table=table[small]), Side("b", table=pd.concat([table[large], wide], ignore_index=True))]
    one = compare(groups, resamples=0)
    assert not one.overlap and "extrapolate" in words.unknown(one)[0]


def test_losses_of_two_corpora_are_refused_and_the_sentence_says_what_can_be_compared(runs):
    other = runs.assign(corpus_fingerprint=runs["corpus_fingerprint"].where(runs["sweep"] != "twin", "0" * 16))
    named = zip(runs["config"], runs["sweep"], strict=True)
    config = [json.dumps({**json.loads(text), "corpus": {"source": name}}) for text, name in named]
    groups = by_key(other.assign(config=config), "sweep", ["simulated", "twin"])
    for measure, differ in (("loss", "corpus"), ("bpb", "held-out text")):
        with pytest.raises(BadInput, match=f"'simulated' and 'twin' differ in {differ}, so .* losses on one corpus"):
            together(groups, measure)


def test_across_tokenizers_the_loss_is_refused_and_bits_per_byte_are_compared(runs):
    corpus = {"source": "python", "tokenizer": "bpe", "vocab_size": 512}

    def cut(row: pd.Series) -> str:
        own = corpus if row["activation"] == "gelu-tanh" else {**corpus, "tokenizer": "bytes", "vocab_size": 257}
        return json.dumps({**json.loads(row["config"]), "corpus": own})

    other = runs["activation"] == "swiglu"
    changed = runs.assign(
        config=runs.apply(cut, axis=1),
        tokenizer=runs["tokenizer"].where(~other, "bytes"),
        corpus_fingerprint=runs["corpus_fingerprint"].where(~other, "0" * 16),
    )
    groups = by_key(changed, "activation", ["gelu-tanh", "swiglu"])
    with pytest.raises(BadInput, match=r"differ in corpus and tokenizer.*compare bits per byte"):
        together(groups)
    one = compare(groups, measure="bpb", resamples=50)
    assert held(one.middle("swiglu"), TIMES)
    assert one.table["loss"].tolist() == pytest.approx(
        changed.set_index("run_id").loc[one.table["run_id"], "bpb"].tolist()
    )
    assert "bits per byte" in words.answer(one, "swiglu")


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        (lambda r: [Side("all", r)], "two groups"),
        (lambda r: [Side("all", r), Side("some", r.head(20))], "every run of 'some' is one of 'all' too"),
        (
            lambda r: [Side("a", r[r["sweep"] == "twin"].head(3)), Side("b", r[r["sweep"] == "simulated"])],
            "needs 6 runs",
        ),
        (lambda r: by_key(r, "activation", ["relu"]), "no run has activation = relu"),
        (lambda r: by_key(r, "schedule"), "schedule is .* in all runs"),
        (lambda r: by_key(r, "train.nothing"), "by is 'train.nothing'"),
        (lambda r: by_conditions(r, ["activation =", "loss > 0"]), "syntax error"),
        (lambda r: by_sweeps(r, [], ["nope"]), "no sweep is called 'nope'"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(runs, groups, said):
    with pytest.raises(BadInput, match=said):
        together(groups(runs))


def test_what_can_be_compared_is_offered(store, runs):
    manifests = Store(store).sweeps()
    assert usable_sweeps(runs, manifests) == ["simulated", "twin"]
    assert keys(runs) == ["model.activation"]
    assert keys(runs[runs["sweep"] == "simulated"]) == []
    assert [side.name for side in by_key(runs, "model.activation")] == ["gelu-tanh", "swiglu"]
    assert len(by_conditions(runs, ["sweep = 'twin'", "sweep = 'simulated'"])) == 2


def test_what_sets_the_groups_apart_is_found(runs):
    groups = {side.name: side.runs for side in by_key(runs, "activation")}
    found = differences({name: frame for name, frame in groups.items() if frame is not None})
    assert found["key"].tolist() == ["model.activation"]
    assert found.iloc[0].tolist()[2] == "swiglu"


def test_an_axis_is_changed_without_another_fit(store):
    selection = Selection(store, None, 20)
    one = comparison(selection, CompareAsk())
    assert comparison(selection, CompareAsk(x="flops")) is one
    assert comparison(selection, CompareAsk(share_e=True)) is not one


def test_every_number_of_the_answer_stands_in_the_reports_data(found):
    document = report(found, ["workbench report …"]).to_dict()
    data = document["data"]
    middle = data["times"][2]
    assert f"{middle['times']:.3f} ({middle['low']:.3f} to {middle['high']:.3f}) times" in document["summary"][0]
    assert f"{100 * -data['paired']['swiglu']['difference']['value']:.2f}% lower" in document["summary"][2]
    steps = {step["law"]: step for step in data["ladder"]["steps"]}
    assert f"p = {steps['shared-exponents-corpora']['p']:.2g}" in document["summary"][1]
    assert document["sections"][0]["title"] == "How many times the compute"
    assert json.dumps(document, allow_nan=False)
