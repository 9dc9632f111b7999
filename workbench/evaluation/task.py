"""An emergent task: problems with one right answer, which no training document holds, answered by greedy decoding.

Exact match alone can make a gradual ability look sudden, so the probability of each answer token stands beside it
(Schaeffer et al. 2023, arXiv 2304.15004).

Shapes: B items of one length, P prompt tokens, A answer tokens, V vocabulary.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from pydantic import Field

from workbench.corpus.config import CorpusConfig
from workbench.corpus.shards import Corpus
from workbench.corpus.tasks import TASKS, Item
from workbench.corpus.tasks import task as build_task
from workbench.corpus.tokenizer import Tokenizer
from workbench.errors import BadInput
from workbench.evaluation.held_out import Estimate, mean
from workbench.evaluation.rows import ProbeSettings, Row
from workbench.generation import generate
from workbench.models.build import Model

TOKENS_AT_ONCE = 16384
"""Tokens in one forward pass."""


class TaskSettings(ProbeSettings):
    """Settings of `task`."""

    task: str | None = None
    """A task's name; by default the one in the run's corpus."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """The task's settings; by default those of the run's corpus."""
    items: int = Field(default=1000, gt=0)
    """Test items at most: 1,000 give exact match to 1.6 points."""

    def resolved(self, corpus: CorpusConfig) -> Self:
        """With the name and the settings of the corpus's task, where they are left open."""
        trained = [part for part in corpus.parts if part.source in TASKS and self.task in (None, part.source)]
        if self.task is None and not trained:
            raise BadInput(
                f"probe task: the run's corpus is {corpus.source!r}, which has no task; "
                f"name one by the setting task, which can be {', '.join(TASKS)}."
            )
        if self.task is None and len(trained) > 1:
            names = ", ".join(part.source for part in trained)
            raise BadInput(f"probe task: the run's corpus has several tasks, {names}; name one by the setting task.")
        name = self.task or trained[0].source
        settings = self.settings or (dict(trained[0].settings) if trained else {})
        return self.model_copy(update={"task": name, "settings": settings})


@dataclass(frozen=True)
class Answered:
    """How a model did on one item."""

    exact: bool
    """Greedy decoding wrote the answer, its end included."""
    probability: float
    """Mean probability of the answer's tokens, each given the right ones before it."""
    accuracy: float
    """Share of the answer's tokens that are the likeliest, given the right ones before."""
    nll: float
    """Nats per answer token."""


METRICS = {
    "exact_match": "exact",
    "token_probability": "probability",
    "token_accuracy": "accuracy",
    "answer_nll": "nll",
}
"""Metric → the field of `Answered` that it averages."""


def task(model: Model, corpus: Corpus, settings: TaskSettings) -> list[Row]:
    """Rows: `exact_match`, `token_probability`, `token_accuracy`, `answer_nll` and `chance`, over all items and by key.

    `chance` is the exact match of a guess drawn from the answers alone, without reading the prompt.
    """
    assert settings.task is not None  # `resolved` saw to it
    items = build_task(settings.task, settings.settings).items(settings.items)
    if not items:
        raise BadInput(f"The task {settings.task!r} has no test items with the settings {settings.settings}.")
    answered = answer(model, corpus.tokenizer, items)
    keys = sorted({item.key for item in items} - {""})
    rows = []
    for key in ["", *keys]:
        members = [i for i, item in enumerate(items) if key in ("", item.key)]
        for metric, name in METRICS.items():
            samples = np.array([getattr(answered[i], name) for i in members], dtype=np.float64)
            rows.append(Row.of(metric, mean(samples), key))
        rows.append(Row.of("chance", chance([items[i].answer for i in members]), key))
    return rows


def chance(answers: Sequence[str]) -> Estimate:
    """How often two different items have the same answer: an unbiased estimate of Σ p², p being the answers' shares."""
    n = len(answers)
    if n < 2:
        return Estimate(math.nan, math.nan, n)
    same = sum(count * (count - 1) for count in Counter(answers).values())
    return Estimate(same / (n * (n - 1)), math.nan, n)


@torch.inference_mode()
def answer(model: Model, tokenizer: Tokenizer, items: Sequence[Item]) -> list[Answered]:
    """Put every item to the model, items of equal length together; the results stand in the items' order."""
    results: dict[int, Answered] = {}
    device = next(model.parameters()).device
    for prompts_BP, answers_BA, places_B in batches(items, tokenizer, model.config.context):
        prompts_BP, answers_BA = prompts_BP.to(device), answers_BA.to(device)
        written_BA = generate(model, prompts_BP, answers_BA.shape[1])
        exact_B = (written_BA == answers_BA).all(dim=1)
        whole_BT = torch.cat((prompts_BP, answers_BA), dim=1)
        logits_BTV = model(whole_BT[:, :-1])
        assert isinstance(logits_BTV, torch.Tensor)  # no cache was given
        logits_BAV = logits_BTV[:, prompts_BP.shape[1] - 1 :].double()
        log_p_BA = logits_BAV.log_softmax(dim=-1).gather(-1, answers_BA[..., None])[..., 0]
        right_BA = logits_BAV.argmax(dim=-1) == answers_BA
        columns = (exact_B, log_p_BA.exp().mean(1), right_BA.double().mean(1), -log_p_BA.mean(1))
        for place, *values in zip(places_B, *(column.tolist() for column in columns), strict=True):
            results[place] = Answered(*values)
    return [results[i] for i in range(len(items))]


def batches(
    items: Sequence[Item], tokenizer: Tokenizer, context: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor, list[int]]]:
    """Prompts (B, P), answers (B, A) and the places (B,) of items that have equally many tokens of each."""
    lengths: dict[tuple[int, int], list[tuple[int, list[int]]]] = defaultdict(list)
    for place, item in enumerate(items):
        ids = tokenizer.encode(item.prompt + item.answer)
        P = prompt_tokens(ids, item, tokenizer)
        if len(ids) - 1 > context:
            raise BadInput(
                f"The test item {item.prompt + item.answer!r} has {len(ids)} tokens, "
                f"too long for the model's context of {context}."
            )
        lengths[P, len(ids) - P].append((place, ids))
    for (P, A), members in lengths.items():
        size = max(1, TOKENS_AT_ONCE // (P + A))
        for start in range(0, len(members), size):
            part = members[start : start + size]
            ids_BT = torch.tensor([ids for _, ids in part])
            yield ids_BT[:, :P], ids_BT[:, P:], [place for place, _ in part]


def prompt_tokens(ids: list[int], item: Item, tokenizer: Tokenizer) -> int:
    """P: how many tokens of an encoded item lie wholly in the prompt; one that straddles the border is an answer's."""
    ends = tokenizer.piece_lengths[ids].cumsum()
    P = int((ends <= len(item.prompt.encode())).sum())
    if P == 0:
        raise BadInput(f"The tokenizer writes the prompt {item.prompt!r} and its answer as one token; use bytes.")
    return P
