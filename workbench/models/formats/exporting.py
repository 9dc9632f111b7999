"""From a decoder to a folder in Hugging Face's layout."""

from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from workbench.errors import BadInput
from workbench.files import write_folder, write_json
from workbench.models.decoder import Decoder
from workbench.models.formats.base import Format
from workbench.models.formats.table import format_of
from workbench.models.formats.tensors import WHOLE, write_tensors


class ExportedTokenizer(Protocol):
    """What a tokenizer must offer to be written beside its model; those of `workbench.corpus` do."""

    @property
    def vocab_size(self) -> int:
        """How many ids it has."""

    @property
    def end_of_text(self) -> int | None:
        """The id that follows a document."""

    def hugging_face_files(self, context: int) -> dict[str, Any]:
        """Name of a file → its JSON, for a model that reads so many tokens."""


def to_hugging_face(decoder: Decoder, folder: Path | str, tokenizer: ExportedTokenizer | None = None) -> Format:
    """Write a folder that `AutoModelForCausalLM` and `AutoTokenizer` open; returns the format that was chosen.

    The folder must not be there yet, or be empty. A model that no format can hold exactly is refused.
    """
    folder, config = Path(folder), decoder.config
    kind = format_of(config)
    refuse_occupied(folder)
    if tokenizer is not None and tokenizer.vocab_size > config.vocab_size:
        raise BadInput(
            f"The tokenizer has {tokenizer.vocab_size} ids and the model's vocab_size is {config.vocab_size}: "
            "give the tokenizer that the model was trained with."
        )
    documents = {
        "config.json": {
            "architectures": [kind.architecture],
            "model_type": kind.model_type,
            "dtype": str(decoder.token_embedding.weight.dtype).removeprefix("torch."),
            **kind.document(config),
            **special_ids(tokenizer),
        },
        "generation_config.json": special_ids(tokenizer) | unwritten_ids(tokenizer, config.vocab_size),
        **({} if tokenizer is None else tokenizer.hugging_face_files(config.context)),
    }
    weights = stored_tensors(kind, decoder)

    def write(temporary: Path) -> None:
        for name, document in documents.items():
            write_json(temporary / name, document)
        write_tensors(weights, temporary / WHOLE, like=temporary / "config.json")

    write_folder(folder, write)
    return kind


def refuse_occupied(folder: Path) -> None:
    """A folder that holds something is not written over."""
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise BadInput(f"{folder}: is there already; give a folder that does not exist yet")


def stored_tensors(kind: Format, decoder: Decoder) -> dict[str, Tensor]:
    """Their name → tensor, of every tensor."""
    state = decoder.state_dict()
    weights: dict[str, Tensor] = {}
    for link in kind.all_links(decoder.config):
        parts = link.layout.write(state.pop(link.ours))
        weights |= {name: part.contiguous() for name, part in zip(link.theirs, parts, strict=True)}
    assert not state, f"{kind.title} left out {sorted(state)}"
    return weights


def special_ids(tokenizer: ExportedTokenizer | None) -> dict[str, Any]:
    """End of text ends a text, begins one (each document follows another's end) and pads; null where there is none."""
    end = None if tokenizer is None else tokenizer.end_of_text
    return {"bos_token_id": end, "eos_token_id": end, "pad_token_id": end}


def unwritten_ids(tokenizer: ExportedTokenizer | None, vocab_size: int) -> dict[str, Any]:
    """Rows of the embedding that the tokenizer has no text for are never generated, as in `workbench.generation`."""
    if tokenizer is None or tokenizer.vocab_size == vocab_size:
        return {}
    return {"suppress_tokens": list(range(tokenizer.vocab_size, vocab_size))}
