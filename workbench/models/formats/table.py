"""The formats there are: `model_type` of config.json → its description. A new one is a module and a line here."""

from workbench.errors import BadInput
from workbench.models.config import ModelConfig
from workbench.models.formats.base import Format
from workbench.models.formats.gpt2 import GPT2
from workbench.models.formats.gpt_neox import GPT_NEOX
from workbench.models.formats.llama import LLAMA
from workbench.validation import shown

FORMATS: dict[str, Format] = {each.model_type: each for each in (GPT2, LLAMA, GPT_NEOX)}


def format_of(config: ModelConfig) -> Format:
    """The format that holds a configuration; where none does, the sentence names what the nearest cannot hold."""
    misfits = {name: each.mismatches(config) for name, each in FORMATS.items()}
    nearest = min(misfits, key=lambda name: len(misfits[name]))
    wrong = misfits[nearest]
    if not wrong:
        return FORMATS[nearest]
    raise BadInput(
        f"A model with {' and '.join(f'{each.field} = {shown(each.value)}' for each in wrong)} cannot be exported: the "
        f"nearest format of Hugging Face, {FORMATS[nearest].title}, needs "
        f"{' and '.join(f'{each.field} = {each.right}' for each in wrong)}."
    )
