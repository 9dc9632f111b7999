"""Decoding with a cache of keys and values: each step reads one new token, and the model is never read twice over.

Shapes: B sequences, T prompt, N new tokens, S tokens in the cache.
"""

import torch
from torch import Tensor

from workbench.errors import BadInput
from workbench.generation.sampling import GREEDY, Sampling, next_tokens
from workbench.models.build import Model
from workbench.models.decoder import Cache, Decoder


@torch.inference_mode()
def generate(
    model: Model,
    ids_BT: Tensor,
    n_tokens: int,
    sampling: Sampling = GREEDY,
    generator: torch.Generator | None = None,
    end_of_text: int | None = None,
    vocab_size: int | None = None,
) -> Tensor:
    """`n_tokens` tokens that follow each prompt (B, N), fewer if all sequences have reached `end_of_text` before.

    `generator` is needed unless decoding is greedy. After its end of text a sequence is padded with that token. Ids
    from `vocab_size` on, rows of the embedding that the tokenizer has no text for, are never chosen. A window that
    outgrows the model's context is read again from its second half, because positions past the context were never
    trained. A registered model has no cache: it reads the window again for every token.
    """
    B, T = ids_BT.shape
    if T == 0:
        raise BadInput("The prompt has no tokens: give at least one character to continue.")
    if n_tokens < 0:
        raise BadInput(f"tokens = {n_tokens}: the number of new tokens cannot be negative.")
    if generator is None:
        if sampling.temperature > 0:
            raise ValueError("sampling needs a generator; only greedy decoding does without")
        generator = torch.Generator(ids_BT.device)
    written_BS = ids_BT
    cache: Cache | None = None
    ended_B = torch.zeros(B, dtype=torch.bool, device=ids_BT.device)
    for _ in range(n_tokens):
        logits_BSV, cache = _read(model, written_BS, cache)
        next_B = next_tokens(logits_BSV[:, -1, :vocab_size], sampling, generator)
        if end_of_text is not None:
            next_B = next_B.masked_fill(ended_B, end_of_text)
            ended_B = ended_B | (next_B == end_of_text)
        written_BS = torch.cat((written_BS, next_B[:, None]), dim=1)
        if end_of_text is not None and bool(ended_B.all()):
            break
    return written_BS[:, T:]


def _read(model: Model, written_BS: Tensor, cache: Cache | None) -> tuple[Tensor, Cache | None]:
    """Logits that end with the next token's, and the cache with all that was read."""
    context = model.config.context
    if not isinstance(model, Decoder):
        return model(written_BS[:, -context:]), None
    if cache is None or cached_tokens(cache) == context:
        keep = context if cache is None else max(1, context // 2)
        cache, unread_BS = model.empty_cache(len(written_BS)), written_BS[:, -keep:]
    else:
        unread_BS = written_BS[:, -1:]
    logits_BSV, cache = model(unread_BS, cache=cache)
    return logits_BSV, cache


def cached_tokens(cache: Cache) -> int:
    """S: how many tokens a cache holds."""
    return cache[0][0].shape[2]
