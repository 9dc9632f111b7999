"""Losses of held-out tokens against the training loop's, and estimates against simulation."""

import math

import numpy as np
import torch

from workbench.corpus.shards import Corpus
from workbench.evaluation.held_out import held_out_losses, mean, ratio
from workbench.models.decoder import Decoder
from workbench.training.evaluate import Evaluator


def test_the_loss_is_the_training_loops(model: Decoder, corpus: Corpus):
    losses = held_out_losses(model, corpus, 64)
    expected = Evaluator(corpus, model.config.context, 64, torch.device("cpu"))(model)
    per_window = mean(losses.nll_WT.mean(axis=1))
    assert math.isclose(per_window.value, expected.loss, rel_tol=1e-6)
    assert math.isclose(per_window.se, expected.loss_se, rel_tol=1e-4)
    assert losses.nll_WT.shape == losses.targets_WT.shape == (64, 20)
    assert np.array_equal(losses.inputs_WT[:, 1:], losses.targets_WT[:, :-1])


def test_standard_errors_are_the_spread_of_repeated_samples():
    rng = np.random.default_rng(0)
    numerators = rng.gamma(4.0, 2.0, (2000, 80))
    denominators = numerators / 3 + rng.uniform(1, 5, (2000, 80))
    for estimate, values in (
        (mean, [mean(row) for row in numerators]),
        (ratio, [ratio(*rows) for rows in zip(numerators, denominators, strict=True)]),
    ):
        spread = np.std([value.value for value in values])
        stated = np.mean([value.se for value in values])
        assert abs(stated / spread - 1) < 0.05, estimate.__name__


def test_one_sample_has_no_standard_error():
    assert math.isnan(mean(np.array([1.0])).se)
    assert math.isnan(ratio(np.array([1.0]), np.array([2.0])).se)
    assert math.isnan(ratio(np.array([1.0]), np.array([0.0])).value)
