"""The shapes that no model can have, each refused in one sentence that says what would be right. Free of torch."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.models.config import ModelConfig


def refusal(config: "ModelConfig") -> str | None:
    """Why a configuration is impossible; None where it is not."""
    if config.architecture != "decoder":
        return _not_positive(config) or _not_standard(config)
    checks = (_not_own, _not_positive, _heads, _positions, _rope_scaling, _windows, _blocks, _bases)
    return next((problem for check in checks if (problem := check(config))), None)


def _not_own(config: "ModelConfig") -> str | None:
    if config.settings or config.fingerprint:
        name = "settings" if config.settings else "fingerprint"
        return f'{name} belongs to a registered model, and architecture = "decoder" has none; leave it out.'
    return None


def _not_standard(config: "ModelConfig") -> str | None:
    if config.parameterisation != "standard":
        return (
            f'parameterisation = "{config.parameterisation}" is known for the decoder alone: what it would scale in '
            f"architecture = {config.architecture!r} it cannot say; leave it out."
        )
    return None


def _not_positive(config: "ModelConfig") -> str | None:
    sizes = (
        "n_layer", "n_head", "d_model", "vocab_size", "context", "n_kv_head", "d_head", "d_ff", "window",
        "base_width", "base_depth", "base_d_head",
    )  # fmt: skip
    for name in sizes:
        value = getattr(config, name)
        if value is not None and value < 1:
            return f"{name} = {value} is not a size: it must be a whole number of at least 1."
    if config.init_std <= 0:
        return (
            f"init_std = {config.init_std:g} leaves every weight at zero or worse: it must be above 0; GPT-2 has 0.02."
        )
    if config.norm_epsilon <= 0:
        return f"norm_epsilon = {config.norm_epsilon:g} leaves a norm of zeros undefined: it must be above 0."
    if not 0 <= config.dropout < 1:
        return f"dropout = {config.dropout:g} is no share to drop: it must be at least 0 and below 1."
    for name in ("attention_softcap", "head_softcap"):
        if getattr(config, name) < 0:
            return f"{name} = {getattr(config, name):g} is no cap: it must be above 0, or 0 for none."
    if config.rope_base <= 1:
        return f"rope_base = {config.rope_base:g} gives no range of wavelengths: it must be above 1; 10000 is usual."
    return None


def _heads(config: "ModelConfig") -> str | None:
    d, h, j = config.d_model, config.n_head, config.kv_heads
    if config.d_head is None and d % h:
        near = f"{d // h * h} or {(d // h + 1) * h}" if d > h else f"{h}"
        return (
            f"d_model = {d} is not divisible by n_head = {h}: d_model must be a multiple of {h}, such as {near}, "
            "or d_head must be given."
        )
    if h % j:
        divisors = ", ".join(str(k) for k in range(1, h + 1) if h % k == 0)
        return f"n_kv_head = {j} does not divide n_head = {h}: n_kv_head must be one of {divisors}."
    return None


def _positions(config: "ModelConfig") -> str | None:
    if config.position == "rope" and config.head_dim % 2:
        k = config.head_dim
        origin = "" if config.d_head is not None else f" (d_model = {config.d_model} over n_head = {config.n_head})"
        return (
            f'd_head = {k}{origin} is odd, and position = "rope" rotates pairs: d_head must be even, '
            f"such as {k + 1}, or position another."
        )
    if config.position == "sinusoidal" and config.d_model % 2:
        return (
            f'd_model = {config.d_model} is odd, and position = "sinusoidal" pairs a sine with a cosine: d_model must '
            f"be even, such as {config.d_model + 1}, or position another."
        )
    return None


def _rope_scaling(config: "ModelConfig") -> str | None:
    kind, factors = config.rope_scaling, config.rope_factors
    if config.position != "rope":
        if kind != "none" or config.rope_pairing != "half":
            name = "rope_scaling" if kind != "none" else "rope_pairing"
            return f'{name} = "{getattr(config, name)}" needs position = "rope"; it is "{config.position}".'
        return None
    if config.rope_factor < 1:
        return f"rope_factor = {config.rope_factor:g} shortens the context: it must be at least 1."
    if kind == "none" and config.rope_factor != 1:
        return f"rope_factor = {config.rope_factor:g} needs a rope_scaling: linear, ntk, yarn or longrope."
    if (kind == "longrope") != (factors is not None):
        return f'rope_factors belong to rope_scaling = "longrope", which needs them; it is "{kind}".'
    if factors is not None and (len(factors) != config.head_dim // 2 or min(factors) <= 0):
        return (
            f"rope_factors holds {len(factors)} numbers, the least {min(factors, default=0):g}; it must hold one above "
            f"0 for each of the d_head / 2 = {config.head_dim // 2} frequencies."
        )
    return None


def _windows(config: "ModelConfig") -> str | None:
    if config.window is None and config.window_pattern != "all":
        return f'window_pattern = "{config.window_pattern}" says which layers have a window: give window as well.'
    return None


def _blocks(config: "ModelConfig") -> str | None:
    if config.parallel and config.norm_position != "pre":
        return (
            "parallel = true has one norm before both halves; norm_position must be "
            f'"pre", not "{config.norm_position}".'
        )
    return None


def _bases(config: "ModelConfig") -> str | None:
    kind = config.parameterisation
    needed = {"standard": (), "mup": ("base_width",), "completep": ("base_width", "base_depth")}[kind]
    for name in needed:
        if getattr(config, name) is None:
            return f'parameterisation = "{kind}" needs {name}, where it is the standard one; give a {name}.'
    allowed = (*needed, "base_d_head") if kind != "standard" else ()
    for name in ("base_width", "base_depth", "base_d_head"):
        if getattr(config, name) is not None and name not in allowed:
            return f'{name} = {getattr(config, name)} means nothing under parameterisation = "{kind}"; leave it out.'
    return None
