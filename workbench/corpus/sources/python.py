"""The default corpus: Python code that every machine has, of the standard library and of the installed torch.

About 57 MB in 3,000 files, 52 MB after de-duplication. It follows the installed versions of both.
"""

import platform
import sysconfig
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from workbench.corpus.documents import Document
from workbench.corpus.sources.base import Settings
from workbench.errors import BadInput

TEST_FOLDERS = {"test", "tests", "idle_test"}
"""Tests are left out: some installs lack them."""
OTHER_PACKAGES = {"site-packages", "dist-packages", "__pycache__"}


def documents(settings: Settings) -> Iterator[Document]:
    """Each `.py` file, the standard library's first, in the order of their paths."""
    roots = {"stdlib": standard_library(), "torch": torch_folder()}
    parts = [part for part in roots if settings["part"] in ("both", part)]
    if not parts:
        raise BadInput(f"corpus.settings.part = {settings['part']!r}: one of 'both', 'stdlib' and 'torch' is right.")
    for part in parts:
        for path in sorted(roots[part].rglob("*.py")):
            inner = path.relative_to(roots[part])
            if _belongs(inner):
                yield Document(path.read_text("utf-8", errors="replace"), f"{part}/{inner.as_posix()}")


def identity(settings: Settings) -> Any:  # noqa: ARG001
    """The versions of Python and torch."""
    return {"python": platform.python_version(), "torch": version("torch")}


def standard_library() -> Path:
    """Where the standard library lies, also inside a virtual environment."""
    return Path(sysconfig.get_path("stdlib"))


def torch_folder() -> Path:
    """Where torch lies, found without importing it."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        raise BadInput("The source 'python' reads the installed torch, and torch is not installed: pip install torch.")
    return Path(spec.origin).parent


def _belongs(inner: Path) -> bool:
    """Neither a test, nor another package, nor the build's own record of this machine."""
    if any(part in TEST_FOLDERS or part in OTHER_PACKAGES for part in inner.parts[:-1]):
        return False
    name = inner.name
    return not (name.startswith(("test_", "_sysconfigdata")) or name.endswith("_test.py"))
