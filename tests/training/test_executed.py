"""Reference: torch's own counter of matrix products, under plain attention."""

from typing import Any

import pytest
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from tests.training.learning import batch, learner_of
from tests.training.tiny import tiny_run
from workbench.corpus.shards import Corpus
from workbench.training.executed import flops_executed
from workbench.training.horizon import resolve
from workbench.training.step import update

MODEL = {"n_layer": 2}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"sam_radius": 0.05},
        {"adversarial": "fgm"},
        {"adversarial": "pgd", "adversarial_steps": 1},
        {"adversarial": "pgd", "adversarial_steps": 3},
        {"adversarial": "fgm", "sam_radius": 0.05},
    ],
)
def test_every_pass_is_counted(corpus: Corpus, fields: dict[str, Any]) -> None:
    learner, horizon = learner_of(corpus, model=MODEL, **fields), resolve(tiny_run(corpus, model=MODEL))
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        update(learner, batch(corpus), step=0, rate=0.01)
    assert counter.get_total_flops() * horizon.steps == flops_executed(learner.config, horizon)


def test_recomputation_is_the_blocks_once_more(corpus: Corpus) -> None:
    execution = {"activation_checkpointing": True}
    learner, horizon = learner_of(corpus, model=MODEL, execution=execution), resolve(tiny_run(corpus, model=MODEL))
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        update(learner, batch(corpus), step=0, rate=0.01)
    last_products = 2 * horizon.tokens * MODEL["n_layer"] * 8 * 32  # torch stops short of them
    assert counter.get_total_flops() * horizon.steps == flops_executed(learner.config, horizon) - last_products


def test_a_plain_run_executes_its_c(corpus: Corpus) -> None:
    config = tiny_run(corpus)
    assert flops_executed(config, resolve(config)) == resolve(config).flops
