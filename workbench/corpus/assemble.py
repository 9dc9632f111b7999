"""From a config to the documents of a corpus: read, clean, de-duplicate, limit or mix, each step counted."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from workbench.corpus.cleaning import clean
from workbench.corpus.config import CorpusConfig, MixPart
from workbench.corpus.deduplication import Deduplicator
from workbench.corpus.documents import Placed, digest, n_bytes, smallest
from workbench.corpus.sources import SOURCES, check
from workbench.errors import BadInput


@dataclass
class Steps:
    """Documents and bytes after each step, by name, in the order of the steps; `unique lines` has `dropped_lines`."""

    counts: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(self, step: str, n_bytes: int) -> None:
        """Count one document that came out of a step."""
        count = self.counts.setdefault(step, {"documents": 0, "bytes": 0})
        count["documents"] += 1
        count["bytes"] += n_bytes


def assemble(config: CorpusConfig) -> tuple[list[Placed], Steps]:
    """The corpus's documents in the order of their hashes, and what each step left."""
    steps, seen = Steps(), Deduplicator()
    if config.mix:
        documents = _mixture(config, steps, seen)
    else:
        documents = smallest(_documents(config, config.parts[0], steps, seen), config.max_bytes)
    for document in documents:
        steps.add("kept", document.n_bytes)
    if not documents:
        raise BadInput(
            f"The source {config.source!r} gave no text: {steps.counts.get('read', {}).get('documents', 0)} documents "
            "were read and none was left after cleaning and de-duplication."
        )
    if "unique lines" in steps.counts:
        steps.counts["unique lines"]["dropped_lines"] = seen.dropped_lines
    return documents, steps


def _documents(config: CorpusConfig, part: MixPart, steps: Steps, seen: Deduplicator) -> Iterator[Placed]:
    """The documents of one source after every step that its kind allows."""
    source = SOURCES[part.source]
    natural = source.kind == "text"
    for number, document in enumerate(source.documents(check(part.source, source, part.settings))):
        text: str | None = document.text
        steps.add("read", n_bytes(document.text))
        if natural and config.clean:
            text = clean(document.text)
            if text is None:
                continue
            steps.add("cleaned", n_bytes(text))
        if not text:
            continue
        # A language's draws and a task's documents may repeat by chance; their number keeps them apart.
        key = digest(text if natural else f"{number}\n{text}")
        if natural and config.deduplicate:
            if not seen.is_new(key):
                continue
            steps.add("unique documents", n_bytes(text))
            text = seen.drop_repeated_lines(text)
            if not text or text.isspace():
                continue
            steps.add("unique lines", n_bytes(text))
        yield Placed(text, document.name, key, separated=natural)


def _mixture(config: CorpusConfig, steps: Steps, seen: Deduplicator) -> list[Placed]:
    """The largest mixture in which each part has its share of the bytes and none is used twice."""
    total_weight = sum(part.weight for part in config.mix)
    shares = [part.weight / total_weight for part in config.mix]
    limits = [None if config.max_bytes is None else max(int(config.max_bytes * share), 1) for share in shares]
    parts = [
        smallest(_documents(config, part, steps, seen), limit) for part, limit in zip(config.mix, limits, strict=True)
    ]
    sizes = [sum(document.n_bytes for document in part) for part in parts]
    for part, size in zip(config.mix, sizes, strict=True):
        if size == 0:
            raise BadInput(f"corpus.mix: the part {part.source!r} gave no text after cleaning and de-duplication.")
    whole = min(size / share for size, share in zip(sizes, shares, strict=True))
    cut = [smallest(part, max(int(whole * share), 1)) for part, share in zip(parts, shares, strict=True)]
    for i, chosen in enumerate(cut):
        for document in chosen:
            steps.add(f"part {i + 1}: {config.mix[i].source}", document.n_bytes)
    return sorted((document for part in cut for document in part), key=lambda document: document.digest)


def identity(config: CorpusConfig) -> list[Any]:
    """What identifies the text of each part beside the config: versions, files."""
    found = []
    for part in config.parts:
        source = SOURCES[part.source]
        found.append(source.identity(check(part.source, source, part.settings)))
    return found
