"""The train/validation split: a document's hash alone decides its side, so no document is ever on both."""

import math
from collections.abc import Sequence

from workbench.corpus.documents import Placed
from workbench.errors import BadInput


def split(documents: Sequence[Placed], validation_fraction: float) -> tuple[list[Placed], list[Placed]]:
    """Training and validation documents, each in the order given.

    A document is held out where the number its hash gives is below the fraction. Where that leaves a side empty, which
    happens with few documents, the document nearest the boundary changes sides.
    """
    if len(documents) < 2:
        raise BadInput(
            f"The corpus has {len(documents)} document{'' if len(documents) == 1 else 's'} after cleaning and "
            "de-duplication; a train/validation split needs at least 2 (the source 'files' can cut a long text into "
            "documents: settings.document_bytes or settings.separator)."
        )
    sides = [document.side for document in documents]
    fraction = min(max(validation_fraction, math.nextafter(min(sides), 1.0)), max(sides))
    train = [document for document, side in zip(documents, sides, strict=True) if side >= fraction]
    validation = [document for document, side in zip(documents, sides, strict=True) if side < fraction]
    return train, validation
