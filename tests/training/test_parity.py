"""A run of ours beside an independent one: transformers' GPT-2, torch's AdamW and a plain loop, on the same batches."""

import math
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from tests.training.tiny import tiny_run
from workbench.corpus.batches import BatchOrder, gather
from workbench.corpus.shards import Corpus
from workbench.models.decoder import build
from workbench.models.formats import to_hugging_face
from workbench.training.config import RunConfig
from workbench.training.horizon import resolve
from workbench.training.train import train

GPT2 = {"n_layer": 2, "d_model": 16, "position": "learned"}
STEPS = 500


def losses_of_ours(config: RunConfig, corpus: Corpus, folder: Path) -> np.ndarray:
    """The training loss of every step."""
    return np.array([row["train_loss"] for row in train(config, corpus, folder).rows])


def losses_of_theirs(config: RunConfig, corpus: Corpus, folder: Path) -> np.ndarray:
    """The same from the same initial weights, with nothing of ours but the schedule's formula and the batches."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    transformers = pytest.importorskip("transformers")
    to_hugging_face(build(config.model, config.seed_init), folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).train()
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}], betas=(0.9, 0.99)
    )
    horizon, order = resolve(config), BatchOrder(len(corpus.train), config.model.context, config.seed_data)
    losses = []
    for step in range(horizon.steps):
        into = (step - horizon.warmup_steps) / (horizon.steps - horizon.warmup_steps)
        warm = (step + 1) / (horizon.warmup_steps + 1)
        shape = warm if step < horizon.warmup_steps else 0.5 * (1 + math.cos(math.pi * max(into, 0)))
        for group in optimizer.param_groups:
            group["lr"] = horizon.learning_rate * shape
        windows_B = order.windows(step, horizon.batch_windows)
        ids_BS = torch.from_numpy(gather(corpus.train, windows_B, config.model.context))
        logits_BTV = model(ids_BS[:, :-1]).logits
        loss = F.cross_entropy(logits_BTV.flatten(0, 1), ids_BS[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses)


def test_the_loss_curve_is_that_of_transformers_gpt2(corpus: Corpus, tmp_path: Path):
    """Over 500 steps the two differ by far less than two seeds do: only the order of roundings is another."""
    settings = {
        "steps": STEPS,
        "batch_tokens": 64,
        "learning_rate": 0.003,
        "execution": {"log_points": STEPS, "eval_points": 1},
    }
    config = tiny_run(corpus, model=GPT2, **settings)
    theirs = losses_of_theirs(config, corpus, tmp_path / "theirs")
    ours = losses_of_ours(config, corpus, tmp_path / "ours")
    other = losses_of_ours(tiny_run(corpus, model=GPT2, seed_init=1, **settings), corpus, tmp_path / "other")
    assert len(ours) == len(theirs) == STEPS and ours[-1] < 0.5 * ours[0]
    seeds = np.abs(ours - other)[STEPS // 2 :].mean()
    assert np.abs(ours - theirs)[STEPS // 2 :].mean() < 0.01 * seeds
    np.testing.assert_allclose(ours[:20], theirs[:20], rtol=1e-4)
