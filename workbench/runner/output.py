"""What workers printed, read back. Free of torch."""

from pathlib import Path

MOST_BYTES = 65_536


def last_lines(path: Path, most: int = 20) -> list[str]:
    """The last lines of a worker's output; none where it has printed nothing, or is done."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - MOST_BYTES))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return []
    return text.splitlines()[-most:]
