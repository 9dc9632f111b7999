"""Our tokenizers as the files that `transformers` opens: tokenizer.json and tokenizer_config.json.

Each is built of the parts of the `tokenizers` library, and gives the same ids. Text that spells the end-of-text token
stays text, as here: `split_special_tokens` says so to `transformers` (the `tokenizers` library alone knows no such
setting).
"""

import json
from typing import Any

from tokenizers import AddedToken, Regex, decoders, models, pre_tokenizers
from tokenizers import Tokenizer as RustTokenizer

from workbench.corpus.bpe import BpeTokenizer, byte_characters, byte_level
from workbench.corpus.tokenizer import ByteTokenizer, SymbolTokenizer, Tokenizer
from workbench.errors import BadInput

END_OF_TEXT = "<|endoftext|>"
"""What the end-of-text token is called; GPT-2's name for it."""


def hugging_face_files(tokenizer: Tokenizer, context: int) -> dict[str, Any]:
    """Name of a file → its JSON, for a model that reads `context` tokens."""
    end = None if tokenizer.end_of_text is None else END_OF_TEXT
    return {
        "tokenizer.json": _document(tokenizer),
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": context,
            "bos_token": end,
            "eos_token": end,
            "pad_token": end,
            "clean_up_tokenization_spaces": False,
            "split_special_tokens": True,
        },
    }


def _document(tokenizer: Tokenizer) -> dict[str, Any]:
    """The tokenizer.json."""
    if isinstance(tokenizer, ByteTokenizer):
        rust = _bytes()
    elif isinstance(tokenizer, SymbolTokenizer):
        rust = _symbols(tokenizer)
    elif isinstance(tokenizer, BpeTokenizer):
        rust = byte_level(models.BPE(vocab=tokenizer.vocab, merges=tokenizer.merges))
    else:
        raise BadInput(f"The tokenizer '{tokenizer.name}' has no form that Hugging Face's tokenizers can take.")
    if tokenizer.end_of_text is not None:
        rust.add_special_tokens([AddedToken(END_OF_TEXT, normalized=False, special=True)])
        assert rust.token_to_id(END_OF_TEXT) == tokenizer.end_of_text
    document: dict[str, Any] = json.loads(rust.to_str())
    return document


def _bytes() -> RustTokenizer:
    """BPE without merges: the ids are the bytes."""
    rust = RustTokenizer(models.BPE(vocab={character: i for i, character in enumerate(byte_characters())}, merges=[]))
    rust.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    rust.decoder = decoders.ByteLevel()
    return rust


def _symbols(tokenizer: SymbolTokenizer) -> RustTokenizer:
    """A table of words, each a character. One that it lacks is an error there too."""
    vocab = {symbol: i for i, symbol in enumerate(tokenizer.alphabet)}
    if tokenizer.end_of_text is not None:
        vocab[END_OF_TEXT] = tokenizer.end_of_text
    rust = RustTokenizer(models.WordLevel(vocab=vocab, unk_token=""))
    rust.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), behavior="isolated")
    rust.decoder = decoders.Fuse()
    return rust
