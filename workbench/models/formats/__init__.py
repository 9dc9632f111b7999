"""Models of the workbench as folders that Hugging Face's `transformers` opens, and such folders as models."""

from workbench.models.formats.exporting import to_hugging_face
from workbench.models.formats.loading import from_hugging_face

__all__ = ["from_hugging_face", "to_hugging_face"]
