"""References: gradients drawn around a known mean with a known covariance, and sizes worked out by hand."""

import math
from pathlib import Path

import pytest
import torch

from tests.training.learning import batch, gradients, learner_of
from tests.training.tiny import tiny_run
from workbench.corpus.shards import Corpus
from workbench.training.noise_scale import estimate, noise_columns, noise_scale
from workbench.training.step import accumulate
from workbench.training.train import train


@pytest.mark.parametrize("sizes", [(8, 8), (4, 4, 4, 4), (8, 4, 4)])
def test_both_estimates_are_unbiased(sizes: tuple[int, ...]) -> None:
    """Each token's gradient is G plus noise of covariance Σ = 4·I in 5 dimensions: |G|² = 5, tr(Σ) = 20."""
    generator = torch.Generator().manual_seed(0)
    squares, traces = [], []
    for _ in range(1500):
        tokens = 1 + 2 * torch.randn(16, 5, generator=generator)
        parts = [part.mean(dim=0) for part in tokens.split(sizes)]
        square, trace = estimate([part.square().sum() for part in parts], sizes, tokens.mean(dim=0).square().sum())
        squares.append(square)
        traces.append(trace)
    for found, true in ((torch.stack(squares), 5.0), (torch.stack(traces), 20.0)):
        assert abs(found.mean() - true) < 4 * found.std() / math.sqrt(len(found))
    assert noise_scale(float(torch.stack(squares).sum()), float(torch.stack(traces).sum())) == pytest.approx(4, rel=0.1)


def test_a_step_compares_its_parts_with_the_whole(corpus: Corpus) -> None:
    ids = batch(corpus)
    squares = []
    for rows in (ids[:3], ids[3:], ids):
        learner = learner_of(corpus)
        accumulate(learner, rows, step=0)
        squares.append(torch.stack([g.square().sum() for g in gradients(learner)]).sum())
    learner = learner_of(corpus, execution={"micro_batch": 3})
    _, square, trace = accumulate(learner, ids, step=0)
    wanted = estimate(squares[:2], (48, 16), squares[2])
    torch.testing.assert_close((square, trace), wanted, rtol=1e-4, atol=1e-7)


def test_measuring_changes_no_gradient(corpus: Corpus) -> None:
    measured, plain = learner_of(corpus, execution={"micro_batch": 2}), learner_of(corpus)
    accumulate(measured, batch(corpus), step=0)
    for rows in batch(corpus).split(2):  # autograd itself adds up
        (plain.losses(rows, 0, 0)[0] * 0.5).backward()
    assert all(torch.equal(a, b) for a, b in zip(gradients(measured), gradients(plain), strict=True))


def test_it_is_logged_where_a_step_has_parts_and_where_it_is_asked_for(corpus: Corpus, tmp_path: Path) -> None:
    for name, execution, there in (
        ("none", {}, False),
        ("parts", {"micro_batch": 2}, True),
        ("asked", {"noise_scale": True}, True),
    ):
        run = tiny_run(corpus, execution={**execution, "log_points": 2})
        rows = train(run, corpus, tmp_path / name).rows
        row = next(row for row in rows if row["step"] == 10)
        assert [math.isfinite(row[name]) for name in ("noise_scale", "grad_square", "grad_trace")] == [there] * 3
        if there:
            assert row["noise_scale"] == pytest.approx(row["grad_trace"] / row["grad_square"])


def test_a_row_has_means_over_its_steps_which_may_be_below_zero() -> None:
    row = noise_columns(-3.0, 12.0, steps=6)
    assert (row["grad_square"], row["grad_trace"]) == (-0.5, 2.0) and math.isnan(row["noise_scale"])
    assert all(math.isnan(value) for value in noise_columns(0.0, 0.0, steps=6).values())


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_the_loss_scale_does_not_enter(corpus: Corpus, precision: str) -> None:
    learner = learner_of(corpus, execution={"micro_batch": 2}, precision=precision)
    _, square, trace = accumulate(learner, batch(corpus), step=0)
    _, wanted, wanted_trace = accumulate(learner_of(corpus, execution={"micro_batch": 2}), batch(corpus), step=0)
    assert square.item() == pytest.approx(wanted.item(), rel=0.02, abs=1e-3)
    assert trace.item() == pytest.approx(wanted_trace.item(), rel=0.02)
