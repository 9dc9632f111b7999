"""The task probe against reading each item alone, without batches, cache or teacher forcing."""

import copy
import math
from typing import Any

import pytest
import torch
from torch import Tensor

from workbench.corpus.config import CorpusConfig, MixPart
from workbench.corpus.shards import Corpus
from workbench.corpus.tasks import Item
from workbench.corpus.tasks import task as build_task
from workbench.corpus.tokenizer import ByteTokenizer
from workbench.errors import BadInput
from workbench.evaluation.task import TaskSettings, answer, chance, prompt_tokens, task
from workbench.models.decoder import Decoder

ITEMS = [Item("12+34=", "046\n"), Item("1+2=", "3\n"), Item("99+99=", "198\n"), Item("1+3=", "4\n")]


def logits_after(model: Decoder, ids: list[int]) -> Tensor:
    logits_BTV = model(torch.tensor([ids]))
    assert isinstance(logits_BTV, Tensor)
    return logits_BTV[0, -1].detach().double()


def test_each_item_is_measured_as_if_alone(model: Decoder, corpus: Corpus):
    tokenizer = corpus.tokenizer
    # The third answer becomes what the model itself would write, so that one item is right.
    ids = tokenizer.encode(ITEMS[2].prompt)
    for _ in range(4):
        ids.append(int(logits_after(model, ids).argmax()))
    items = [*ITEMS[:2], Item(ITEMS[2].prompt, tokenizer.decode(ids[-4:])), ITEMS[3]]

    for item, result in zip(items, answer(model, tokenizer, items), strict=True):
        written, log_p, right = tokenizer.encode(item.prompt), [], []
        wanted = tokenizer.encode(item.answer)
        free = list(written)
        for token in wanted:
            free.append(int(logits_after(model, free).argmax()))
            logits = logits_after(model, written)
            log_p.append(float(logits.log_softmax(-1)[token]))
            right.append(int(logits.argmax()) == token)
            written.append(token)
        assert result.exact == (free == written)
        assert math.isclose(result.nll, -sum(log_p) / len(wanted), rel_tol=1e-5)
        assert math.isclose(result.probability, sum(map(math.exp, log_p)) / len(wanted), rel_tol=1e-5)
        assert math.isclose(result.accuracy, sum(right) / len(wanted))
    assert [result.exact for result in answer(model, tokenizer, items)] == [False, False, True, False]


def test_a_model_of_zeros_gives_every_token_one_over_v(model: Decoder, corpus: Corpus, config: Any):
    zeros = copy.deepcopy(model)
    for parameter in zeros.parameters():
        parameter.data.zero_()
    rows = {(r.metric, r.key): r for r in task(zeros, corpus, TaskSettings(items=60).resolved(config.corpus))}
    assert math.isclose(rows["token_probability", ""].value, 1 / 13)
    assert math.isclose(rows["answer_nll", ""].value, math.log(13))
    # All logits are equal, and the first is the newline that ends every answer of four tokens.
    assert rows["token_accuracy", ""].value == 1 / 4
    assert (rows["exact_match", ""].value, rows["exact_match", ""].se, rows["exact_match", ""].n) == (0.0, 0.0, 60)


def test_rows_are_given_for_all_items_and_by_key(model: Decoder, corpus: Corpus):
    settings = TaskSettings(task="addition", settings={"digits": 2, "min_digits": 1}, items=24)
    rows = task(model, corpus, settings)
    ns = {key: {row.n for row in rows if row.key == key} for key in ("", "1", "2")}
    assert ns["1"] | ns["2"] and ns[""] == {sum(ns["1"]) + sum(ns["2"])}
    assert {row.key for row in rows} == {"", "1", "2"}
    nll = {row.key: row for row in rows if row.metric == "answer_nll"}
    whole = nll["1"].value * nll["1"].n + nll["2"].value * nll["2"].n
    assert math.isclose(whole / nll[""].n, nll[""].value)


def test_chance_is_the_sum_of_squared_shares_without_bias():
    assert chance(["a", "a", "b"]).value == pytest.approx(1 / 3)
    assert chance(["a", "b", "c"]).value == 0
    # The digits of a long uniform list: 1/10.
    assert chance([str(i % 10) for i in range(10_000)]).value == pytest.approx(0.1, rel=1e-2)
    assert math.isnan(chance(["a"]).value)


def test_the_items_are_no_training_documents(corpus: Corpus):
    trained = corpus.tokenizer.decode(corpus.train.tolist()) + corpus.tokenizer.decode(corpus.validation.tolist())
    for item in build_task("addition", corpus.config.settings).items(200):
        assert item.prompt not in trained


def test_the_task_and_its_settings_come_from_the_corpus(config: Any):
    resolved = TaskSettings().resolved(config.corpus)
    assert (resolved.task, resolved.settings) == ("addition", config.corpus.settings)
    other = TaskSettings(task="associative-recall").resolved(config.corpus)
    assert (other.task, other.settings) == ("associative-recall", {})
    own = TaskSettings(settings={"digits": 1}).resolved(config.corpus)
    assert (own.task, own.settings) == ("addition", {"digits": 1})


def test_the_task_of_a_mixture_is_found():
    parts = (MixPart(source="addition", settings={"digits": 2}), MixPart(source="python"))
    mixture = CorpusConfig(source="mix", mix=parts, tokenizer="bytes")
    assert TaskSettings().resolved(mixture).settings == {"digits": 2}


def test_a_corpus_without_a_task_is_refused():
    with pytest.raises(BadInput, match="the run's corpus is 'python', which has no task; name one"):
        TaskSettings().resolved(CorpusConfig())


def test_a_corpus_of_several_tasks_needs_a_name():
    parts = (MixPart(source="addition"), MixPart(source="associative-recall"))
    mixture = CorpusConfig(source="mix", mix=parts, tokenizer="bytes")
    with pytest.raises(BadInput, match="several tasks, addition, associative-recall; name one"):
        TaskSettings().resolved(mixture)
    assert TaskSettings(task="associative-recall").resolved(mixture).task == "associative-recall"


def test_an_item_longer_than_the_context_is_refused(model: Decoder, corpus: Corpus):
    with pytest.raises(BadInput, match="too long for the model's context of 20"):
        answer(model, corpus.tokenizer, [Item("1" * 20 + "=", "1\n")])


def test_a_token_across_the_border_belongs_to_the_answer():
    item = Item("λ=", "é")
    tokenizer = ByteTokenizer()
    assert prompt_tokens(tokenizer.encode("λ=é"), item, tokenizer) == 3
    tokenizer = ByteTokenizer()
    tokenizer.pieces = ["λ".encode(), "=é".encode()]
    assert prompt_tokens([0, 1], item, tokenizer) == 1
    with pytest.raises(BadInput, match="as one token"):
        prompt_tokens([1], Item("=", "é"), tokenizer)
