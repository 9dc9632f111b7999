"""RoPE's keys: `rope_theta` and `rope_scaling`, or (`transformers` 5) all of it in `rope_parameters`.

Written is the older form, which every version reads.
"""

import math
from typing import Any

from workbench.models.config import ModelConfig
from workbench.models.formats.base import Mismatch
from workbench.models.formats.keys import Keys

ROPE_NEEDS = {"position": ("rope",), "rope_pairing": ("half",), "rope_scaling": ("none", "linear", "yarn")}
"""What our fields may be. Their `dynamic` follows the length of the text where `ntk` is one base for all lengths, and
their `longrope` has a second list of factors for short texts."""
ROPE_HOLDS = frozenset({"rope_base", "rope_factor"})

ROPE_DEFAULTS = {"rope_parameters": None, "rope_scaling": None}
YARN = {"beta_fast": 32, "beta_slow": 1, "truncate": True, "mscale": None, "mscale_all_dim": None}
"""The constants of YaRN, which are fixed here; they are their defaults."""


def rope_fields(keys: Keys, base_key: str, share_key: str, context: int) -> dict[str, Any]:
    """Our fields. `share_key` holds the share of a head that turns; all of it must."""
    table = next((name for name in ROPE_DEFAULTS if keys.value(name) is not None), None)
    if table is None:
        keys.must_be(share_key, 1.0)
        return {"rope_base": keys.number(base_key)}
    defaults = {"rope_type": "default", "rope_theta": keys.value(base_key), "attention_factor": None, **YARN}
    inner = keys.nested(table, defaults)
    share = inner if "partial_rotary_factor" in inner.document else keys
    share.must_be("partial_rotary_factor" if share is inner else share_key, 1.0)
    fields = {"rope_base": inner.number("rope_theta")}
    kind_key = "type" if "type" in inner.document and "rope_type" not in inner.document else "rope_type"
    kind = inner.one_of(kind_key, {"default": "none", "linear": "linear", "yarn": "yarn"})
    if kind == "none":
        return fields
    factor = inner.number("factor")
    if kind == "yarn":
        _check_yarn(inner, factor, context)
    return fields | {"rope_scaling": kind, "rope_factor": factor}


def _check_yarn(inner: Keys, factor: float, context: int) -> None:
    for key, right in YARN.items():
        inner.must_be(key, right)
    scale, usual = inner.value("attention_factor"), 0.1 * math.log(factor) + 1
    if scale is not None and not math.isclose(inner.number("attention_factor"), usual, rel_tol=1e-6):
        inner.refuse("attention_factor", f"with this factor only {usual:.7g} can be loaded")
    trained = inner.integer("original_max_position_embeddings")
    if trained * factor != context:
        inner.refuse(
            "original_max_position_embeddings",
            f"times the factor {factor:g} it should be max_position_embeddings = {context}",
        )


def rope_scaling(config: ModelConfig) -> dict[str, Any] | None:
    """The value of `rope_scaling`."""
    if config.rope_scaling == "none":
        return None
    scaling = {"rope_type": config.rope_scaling, "factor": config.rope_factor}
    if config.rope_scaling == "yarn":
        scaling["original_max_position_embeddings"] = round(config.context / config.rope_factor)
    return scaling


def whole_contexts(config: ModelConfig) -> list[Mismatch]:
    """YaRN's trained context is written down, as a whole number."""
    trained = config.context / config.rope_factor
    if config.rope_scaling != "yarn" or round(trained) * config.rope_factor == config.context:
        return []
    return [Mismatch("rope_factor", config.rope_factor, f"a divisor of context = {config.context}")]
