"""The card of a model: its numbers are those of `workbench models`, its shape what was set by hand."""

import re
from pathlib import Path
from typing import Any

import pytest

from workbench.analyses import model_card, views
from workbench.analyses.model_shape import ModelAsk
from workbench.analyses.selection import Selection
from workbench.cli.models import _record
from workbench.errors import BadInput
from workbench.models.config import ModelConfig
from workbench.models.counts import Precision, training_bytes
from workbench.models.open_models import MODELS
from workbench.reporting.document import Figure, Table, Text

NOWHERE = Selection(Path("no-store-is-read"))


def tables(**ask: Any) -> dict[str, dict[str, dict[str, Any]]]:
    """Table → first column → row."""
    found = [block for block in model_card.blocks(NOWHERE, ModelAsk(**ask)) if isinstance(block, Table)]
    return {table.name: {str(row[table.columns[0].key]): row for row in table.rows} for table in found}


@pytest.mark.parametrize("name", MODELS)
def test_every_model_has_the_counts_of_the_command(name: str):
    record, shown = _record(MODELS[name]), tables(preset=name, tokens=1e9)
    n, compute = shown["model-parameters"], {what: row["flops"] for what, row in shown["model-compute"].items()}
    assert n["total"]["parameters"] == n["active"]["parameters"] == record["n_params"]
    assert n["non-embedding"]["parameters"] == record["n_params_non_embedding"]
    assert compute["forward, per token"] == record["flops_per_token_forward"]
    assert compute["forward, Kaplan's"] == record["flops_per_token_forward_kaplan"]
    assert compute["training on 1.00B tokens, C"] == record["flops_per_token_training"] * 1e9
    assert compute["training on 1.00B tokens, 6ND"] == 6e9 * record["n_params"]
    assert shown["model-memory"]["in all"]["bytes"] == record["training_bytes_bf16"]
    own = next(row for kind, row in shown["model-cache"].items() if kind.startswith("this model"))
    assert own["whole"] == record["kv_cache_bytes"]


def test_parts_add_up_to_the_whole():
    shown = tables(preset="qwen2.5-7b")
    parts, compute = shown["model-parts"].values(), shown["model-compute"]
    assert sum(row["parameters"] for row in parts) == shown["model-parameters"]["total"]["parameters"]
    assert sum(row["flops"] for row in parts) == compute["forward, per token"]["flops"]
    memory = {what: row["bytes"] for what, row in shown["model-memory"].items()}
    assert sum(bytes_ for what, bytes_ in memory.items() if what != "in all") == memory["in all"]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("recompute", [False, True])
def test_training_memory_follows_batch_precision_and_recomputation(precision: Precision, recompute: bool):
    shown = tables(preset="gpt2", micro_batch=8, precision=precision, recompute=recompute)["model-memory"]
    expected = training_bytes(MODELS["gpt2"], 8, precision, keeps_weights=False, recomputes=recompute)
    assert shown["in all"]["bytes"] == expected
    assert ("half-precision copy" in shown) == (precision == "bf16")


def test_a_shape_set_by_hand_is_that_of_its_configuration():
    by_hand: dict[str, Any] = {
        "n_layer": 6,
        "d_model": 512,
        "n_head": 8,
        "n_kv_head": 2,
        "vocab_size": 1000,
        "context": 256,
    }
    config = ModelConfig(**by_hand, position="learned", tie_embeddings=False)
    shown = tables(preset="gpt2", **by_hand, tie_embeddings=False)
    assert shown["model-parameters"]["total"]["parameters"] == _record(config)["n_params"]
    (said,) = [b.text for b in model_card.blocks(NOWHERE, ModelAsk(**by_hand)) if isinstance(b, Text)]
    assert said.startswith("`gpt2`, changed by hand: 6 layers (L) of width 512 (d)")


def test_a_window_may_be_taken_away():
    shown = tables(preset="gemma-2-2b", window=0)["model-cache"]
    kind, row = next(iter(shown.items()))
    assert kind == "this model: grouped-query (GQA), 4 groups"
    assert row["whole"] == row["per_token"] * 8192


def test_kinds_of_attention_keep_in_proportion_to_their_heads():
    shown = tables(preset="gpt3-175b", cached=1000)["model-cache"]
    assert shown["this model: multi-head (MHA)"]["share"] == 1
    assert shown["grouped-query (GQA), 8 groups"]["share"] == pytest.approx(8 / 96)
    assert shown["multi-query (MQA)"]["share"] == pytest.approx(1 / 96)
    assert shown["multi-head latent (MLA)"]["share"] == pytest.approx(4.5 / 2 / 96)
    assert shown["window of 512 in every second layer"]["share"] == pytest.approx((1000 + 512) / 2000)


def test_experts_cost_memory_of_all_and_compute_of_the_active_ones():
    dense, mixed = tables(preset="llama-3.2-1b"), tables(preset="llama-3.2-1b", experts=8, experts_per_token=2)
    n = {name: row["parameters"] for name, row in mixed["model-parameters"].items()}
    assert n["total"] > 4 * n["active"] / 2 > n["active"]
    assert mixed["model-memory"]["weights"]["bytes"] == 4 * n["total"]
    assert "forward, Kaplan's" not in mixed["model-compute"]
    per_token = [shown["model-compute"]["forward, per token"]["flops"] for shown in (dense, mixed)]
    assert per_token[0] < per_token[1] < 2 * per_token[0]


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        ({"d_model": 100}, "d_model = 100 is not divisible by n_head = 12"),
        ({"n_kv_head": 5}, "n_kv_head must be one of 1, 2, 3, 4, 6, 12"),
        ({"n_layer": 0}, "n_layer = 0"),
        ({"experts": 4, "experts_per_token": 5}, "of 4 experts a token passes 1 to 4"),
        ({"experts": 0}, "experts is 0"),
        ({"tokens": -1.0}, "tokens is -1"),
        ({"micro_batch": 0}, "micro_batch is 0"),
        ({"cached": 0}, "cached is 0"),
    ],
)
def test_what_no_model_can_be_is_a_sentence(ask: dict[str, Any], said: str):
    with pytest.raises(BadInput, match=re.escape(said)):
        tables(**ask)


def test_figures_say_their_whole_and_the_command_needs_no_store():
    figures = [b for b in model_card.blocks(NOWHERE, ModelAsk()) if isinstance(b, Figure)]
    assert [figure.name for figure in figures] == ["model-parts", "model-memory"]
    assert "124,439,808 parameters and 284,812,800 FLOPs" in figures[0].caption
    assert views.command("model", NOWHERE, ModelAsk(preset="gpt1", n_layer=3)) == (
        "workbench figure model --set preset=gpt1 --set n_layer=3"
    )
