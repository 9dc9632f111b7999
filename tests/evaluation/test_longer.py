"""Reference: the loss of a model whose config says the longer context, and of the pieces at the trained one."""

from typing import Any

import pytest
import torch

from workbench.corpus.batches import gather, validation_windows
from workbench.corpus.shards import Corpus
from workbench.errors import BadInput
from workbench.evaluation.longer import LongerSettings, longer_context, stretched
from workbench.evaluation.probes import check_probes
from workbench.models.decoder import Decoder


def test_every_reading_is_of_the_same_tokens(model: Decoder, corpus: Corpus):
    rows = {(row.metric, row.key): row for row in longer_context(model, corpus, LongerSettings(windows=6))}
    assert len(rows) == 1 + 2 * 2 * 4
    ids = torch.from_numpy(gather(corpus.validation, validation_windows(len(corpus.validation), 80, 6), 80))
    with torch.inference_mode():
        for key, chunks, longer in (("none@1", 4, model), ("yarn@2", 2, stretched(model, "yarn", 2))):
            width = 80 // chunks
            losses = [
                torch.nn.functional.cross_entropy(longer(x[:, :-1]).flatten(0, 1), x[:, 1:].flatten())
                for x in (ids[:, i * width : (i + 1) * width + 1] for i in range(chunks))
            ]
            assert rows["loss", key].value == pytest.approx(float(torch.stack(losses).mean()), rel=1e-5)
    for (metric, key), row in rows.items():
        if metric == "rise":
            assert row.value == pytest.approx(rows["loss", key].value - rows["loss", "none@1"].value)
            assert row.n == 6 and row.se > 0


@pytest.mark.parametrize("change", [{"position": "alibi"}, {"rope_scaling": "linear", "rope_factor": 2.0}])
def test_what_cannot_be_interpolated_is_refused_before_training(config: Any, change: dict[str, Any]):
    other = config.model_copy(update={"model": config.model.model_copy(update=change)})
    with pytest.raises(BadInput, match="trained with position rope and rope_scaling none"):
        check_probes(["longer-context"], other, "sweep.toml: sweep.probes")
