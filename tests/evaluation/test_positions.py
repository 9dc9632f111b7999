"""Loss by position against the mean loss, and against what a model can know at each position of a window."""

import copy
import math

import numpy as np

from workbench.corpus.shards import Corpus
from workbench.evaluation.perplexity import PerplexitySettings, perplexity
from workbench.evaluation.positions import PositionSettings, loss_by_position
from workbench.models.decoder import Decoder


def test_positions_average_to_the_loss(model: Decoder, corpus: Corpus):
    rows = loss_by_position(model, corpus, PositionSettings(windows=50))
    assert [row.key for row in rows] == [str(k) for k in range(model.config.context)]
    assert {row.n for row in rows} == {50}
    (loss,) = (row.value for row in perplexity(model, corpus, PerplexitySettings(windows=50)) if row.metric == "loss")
    assert math.isclose(np.mean([row.value for row in rows]), loss, rel_tol=1e-9)
    assert all(row.se > 0 for row in rows)


def test_a_model_of_zeros_pays_ln_v_everywhere(model: Decoder, corpus: Corpus):
    zeros = copy.deepcopy(model)
    for parameter in zeros.parameters():
        parameter.data.zero_()
    for row in loss_by_position(zeros, corpus, PositionSettings(windows=10)):
        assert math.isclose(row.value, math.log(13), rel_tol=1e-6)
