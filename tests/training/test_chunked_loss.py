"""References: the same loss of all rows at once, and numerical differentiation."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.training.tiny import tiny_run
from workbench.corpus.shards import Corpus
from workbench.training import learner as learner_module
from workbench.training.chunked_loss import Score, chunked, rows_at_once
from workbench.training.config import TrainConfig
from workbench.training.objective import Losses, objective
from workbench.training.train import train

SETTINGS = TrainConfig(z_loss=1e-2, label_smoothing=0.1)
ONE = torch.ones(())


def problem(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    """Residual stream (10, 3), targets (10,), head (7, 3)."""
    generator = torch.Generator().manual_seed(0)
    x, weight = (torch.randn(n, 3, generator=generator, dtype=dtype).requires_grad_() for n in (10, 7))
    return x, torch.arange(10) % 7, weight


def score_with(weight: Tensor) -> Score:
    def score(x: Tensor, targets: Tensor) -> Losses:
        return objective(torch.tanh(F.linear(x, weight) / 5) * 5, targets, SETTINGS)

    return score


@pytest.mark.parametrize("rows", [1, 4, 10, 100])
def test_chunks_give_the_loss_and_both_gradients_of_the_whole(rows: int) -> None:
    x, targets, weight = problem()
    wanted = score_with(weight)(x, targets)
    wanted_gradients = torch.autograd.grad(3 * wanted[0], (x, weight))
    found = chunked(score_with(weight), x, targets, [weight], rows, ONE)
    torch.testing.assert_close(found, tuple(wanted))
    torch.testing.assert_close(torch.autograd.grad(3 * found[0], (x, weight)), wanted_gradients)


def test_gradients_are_those_of_numerical_differentiation() -> None:
    x, targets, weight = problem()
    assert torch.autograd.gradcheck(lambda a, b: chunked(score_with(b), a, targets, [b], 4, ONE)[0], (x, weight))


def test_parameters_that_have_no_part_get_no_gradient() -> None:
    x, targets, weight = problem()
    other = torch.ones(2, requires_grad=True)
    value, _ = chunked(score_with(weight), x, targets, [other, weight], 4, ONE)
    value.backward()
    assert other.grad is None and weight.grad is not None


def test_half_precision_gradients_do_not_underflow_with_the_loss_scale() -> None:
    x, targets, weight = problem(torch.float32)

    def score(a: Tensor, b: Tensor) -> Losses:
        return objective(F.linear(a.half() * 1e-3, weight.half()).float(), b, SETTINGS)

    scale = torch.tensor(2.0**16)
    plain, _ = score(x, targets)
    wanted = torch.autograd.grad(plain * scale * 1e-4, weight)[0]
    value, _ = chunked(score, x, targets, [weight], 4, scale * 1e-4)
    torch.testing.assert_close(torch.autograd.grad(value * scale * 1e-4, weight)[0], wanted, rtol=1e-2, atol=1e-4)
    assert wanted.abs().max() > 0


def test_no_more_than_a_chunk_of_logits_is_made() -> None:
    x, targets, weight = problem()
    seen: list[int] = []

    def score(a: Tensor, b: Tensor) -> Losses:
        seen.append(len(a))
        return score_with(weight)(a, b)

    chunked(score, x, targets, [weight], 4, ONE)
    assert seen == [4, 4, 2]
    assert rows_at_once(50_257, torch.device("cpu")) == 256


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize("tied", [True, False])
def test_a_run_in_chunks_is_the_run_without(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: str, tied: bool
) -> None:
    monkeypatch.setattr(learner_module, "PAYS_FROM", 1)
    monkeypatch.setattr(learner_module, "rows_at_once", lambda *_: 24)
    fields: dict[str, Any] = {"precision": precision, "model": {"tie_embeddings": tied}, "z_loss": 1e-3}
    whole = train(tiny_run(corpus, **fields), corpus, tmp_path / "whole")
    parts = train(tiny_run(corpus, **fields, execution={"chunked_loss": True}), corpus, tmp_path / "parts")
    tolerance = 1e-5 if precision == "fp32" else 1e-3
    for key in ("loss", "train_loss", "grad_norm"):
        assert parts.rows[-1][key] == pytest.approx(whole.rows[-1][key], rel=30 * tolerance)
    assert parts.rows[0]["train_loss"] == pytest.approx(whole.rows[0]["train_loss"], rel=tolerance)
