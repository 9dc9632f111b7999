"""References: an interrupted run against an uninterrupted one, a plain training loop, and a closed form."""

import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from tests.training.tiny import tiny_run
from workbench.corpus.batches import BatchOrder, gather
from workbench.corpus.shards import Corpus
from workbench.errors import BadInput, Stopped
from workbench.models.decoder import build
from workbench.training.config import ExecutionConfig
from workbench.training.devices import numerics, pick_device
from workbench.training.evaluate import Evaluator, evaluation_steps, evaluations
from workbench.training.horizon import resolve
from workbench.training.schedule import rate_at
from workbench.training.train import Outcome, train

TIMES = ("seconds",)


def untimed(outcome: Outcome) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key not in TIMES} for row in outcome.rows]


def stop_after(steps: int) -> Callable[[], bool]:
    polls = itertools.count()
    return lambda: next(polls) == steps


def test_training_equals_a_plain_loop(corpus: Corpus, tmp_path: Path) -> None:
    config = tiny_run(corpus, weight_decay=0.1, clip=0.5)
    horizon = resolve(config)
    model = build(config.model, seed=0)
    decayed = [p for p in model.parameters() if p.ndim >= 2]
    plain = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.99), foreach=False)
    order = BatchOrder(len(corpus.train), 16, seed=0)
    for step in range(20):
        ids = torch.from_numpy(gather(corpus.train, order.windows(step, 4), 16))
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, horizon, "cosine", 0.0)
        optimizer.zero_grad()
        F.cross_entropy(model(ids[:, :-1]).reshape(-1, 257), ids[:, 1:].reshape(-1)).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
    trained = train(config, corpus, tmp_path).model
    for ours, theirs in zip(trained.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize("schedule", ["cosine", "wsd"])
def test_a_stopped_and_resumed_run_equals_an_uninterrupted_one_bit_for_bit(
    corpus: Corpus, tmp_path: Path, precision: str, schedule: str
) -> None:
    config = tiny_run(corpus, precision=precision, schedule=schedule)
    whole = train(config, corpus, tmp_path / "whole")
    for steps_until_stop in (0, 3, 4, 9):
        with pytest.raises(Stopped, match="run again to resume"):
            train(config, corpus, tmp_path / "parts", stop=stop_after(steps_until_stop))
    resumed = train(config, corpus, tmp_path / "parts")
    assert repr(untimed(resumed)) == repr(untimed(whole))
    assert all(torch.equal(a, b) for a, b in zip(resumed.model.parameters(), whole.model.parameters(), strict=True))


def test_accumulated_micro_batches_equal_the_whole_batch(corpus: Corpus, tmp_path: Path) -> None:
    whole = train(tiny_run(corpus), corpus, tmp_path / "a")
    parts = train(tiny_run(corpus, execution={"micro_batch": 3}), corpus, tmp_path / "b")
    assert parts.rows[-1]["loss"] == pytest.approx(whole.rows[-1]["loss"], rel=1e-5)


def test_training_learns(corpus: Corpus, tmp_path: Path) -> None:
    outcome = train(tiny_run(corpus, tokens=60_000, batch_tokens=128), corpus, tmp_path)
    assert outcome.rows[-1]["loss"] < 0.75 * corpus.unigram_entropy
    assert outcome.rows[-1]["point"] == "final"
    assert {row["point"] for row in outcome.rows[:-1]} == {"mid-schedule"}


def test_a_run_that_diverges_says_so(corpus: Corpus, tmp_path: Path) -> None:
    outcome = train(tiny_run(corpus, learning_rate=1e6, clip=0.0, beta2=0.0, schedule="constant"), corpus, tmp_path)
    assert outcome.status == "diverged"
    assert "not finite at step" in outcome.error


def test_a_corpus_shorter_than_a_window_is_refused(corpus: Corpus, tmp_path: Path) -> None:
    config = tiny_run(corpus, model={"context": 1_000_000}, steps=1, batch_tokens=1_000_000)
    with pytest.raises(BadInput, match=r"fewer than one window of model\.context \+ 1 = 1000001"):
        train(config, corpus, tmp_path)


def test_a_vocabulary_smaller_than_the_tokenizers_is_refused(corpus: Corpus, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"model\.vocab_size = 100: the tokenizer of .* has 257 tokens"):
        train(tiny_run(corpus, model={"vocab_size": 100}), corpus, tmp_path)


def test_an_untrained_model_scores_the_uniform_loss(corpus: Corpus) -> None:
    config = tiny_run(corpus, model={"init_std": 1e-6})
    held_out = Evaluator(corpus, 16, 16, torch.device("cpu"))(build(config.model, seed=0))
    assert held_out.loss == pytest.approx(math.log(257), rel=1e-4)
    assert held_out.bpb == pytest.approx(math.log2(257) / corpus.bytes_per_token, rel=1e-4)


def test_evaluations_are_spaced_in_log_steps_and_include_the_last() -> None:
    assert sorted(evaluation_steps(640, 4)) == [10, 40, 160, 640]
    assert max(evaluation_steps(7, 8)) == 7
    assert evaluation_steps(640, 1) == {640}


def test_a_run_is_evaluated_as_often_as_it_can_afford(corpus: Corpus) -> None:
    """16 windows of 16 tokens forward are 85 tokens of training: 2% of 4,267."""

    def points(tokens: int, **execution: int) -> int:
        config = tiny_run(corpus, tokens=tokens, batch_tokens=16, execution=execution)
        return evaluations(config, resolve(config))

    assert [points(tokens) for tokens in (160, 16_000, 160_000)] == [1, 3, 8]
    assert points(160, eval_points=5) == 5


def test_a_device_that_is_not_here_is_refused() -> None:
    for name in ("tpu", "cuda:x", "meta", "mps", "cuda" if not torch.cuda.is_available() else "cuda:99"):
        with pytest.raises(BadInput, match=rf"execution\.device = '{name}': .*use auto"):
            pick_device(name)


def test_numerics_name_whatever_moves_the_last_bit() -> None:
    plain = numerics(torch.device("cpu"), ExecutionConfig())
    changes: list[dict[str, Any]] = [{"threads": 2}, {"micro_batch": 3}, {"compile": True}, {"tf32": True}]
    texts = {numerics(torch.device("cpu"), ExecutionConfig(**change)) for change in changes}
    assert len(texts | {plain}) == 5
    assert numerics(torch.device("cpu"), ExecutionConfig(log_points=3)) == plain


def test_a_run_killed_after_its_last_checkpoint_ends_the_same(corpus: Corpus, tmp_path: Path) -> None:
    first = train(tiny_run(corpus), corpus, tmp_path)
    again = train(tiny_run(corpus), corpus, tmp_path)  # the checkpoint was written, the row was not
    assert repr(again.rows) == repr(first.rows)
    assert again.seconds == pytest.approx(first.seconds, abs=0.5)
