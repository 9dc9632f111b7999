"""The source files behind a piece of code: its own, and those beside it that it imports, directly or not.

"Beside it" is the outermost package that it lies in, or its folder where it is in none: what an installed library does
is the library's version's business.
"""

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from workbench.errors import BadInput

INSTALLED = ("site-packages", "dist-packages")


def source_files(homes: Iterable[Path]) -> list[tuple[str, bytes]]:
    """(name relative to the files' root, text) of these files and all local ones that they import, in order of name.

    Raises `BadInput` where Python has another file of the same name in a local one's place.
    """
    found: dict[Path, str] = {}
    waiting = [(path, _root(path)) for path in homes]
    own = {path for path, _ in waiting}
    waiting += [(above, root) for path, root in waiting for above in _packages(path, root)]
    while waiting:
        path, root = waiting.pop()
        if path not in found:
            if path not in own:
                _refuse_other(path, root)
            found[path] = path.relative_to(root).as_posix()
            waiting += [(other, root) for other in _imports(path, root)]
    return sorted((name, path.read_bytes().replace(b"\r\n", b"\n")) for path, name in found.items())


def _root(path: Path) -> Path:
    """The folder that imports start from."""
    root = path.parent
    while (root / "__init__.py").is_file():
        root = root.parent
    return root


def _packages(path: Path, root: Path) -> list[Path]:
    """The `__init__.py` of each package that a file lies in: they run before it."""
    return [above / "__init__.py" for above in path.parents if above != root and above.is_relative_to(root)]


def _refuse_other(path: Path, root: Path) -> None:
    """What was imported under a local file's name must be that file: one found earlier is not what is read here."""
    place = path.parent if path.name == "__init__.py" else path.with_suffix("")
    loaded = getattr(sys.modules.get(".".join(place.relative_to(root).parts)), "__file__", None)
    if loaded is not None and Path(loaded).resolve() != path.resolve():
        raise BadInput(f"{path}: under its name {loaded} has been imported in its place; give one of them another name")


def _imports(path: Path, root: Path) -> Iterator[Path]:
    """The local files that a file imports, at its top or inside its functions."""
    package = path.parent.relative_to(root).parts
    installed = root.name in INSTALLED
    if not package and installed:
        return  # a module installed by itself: what lies beside it are other people's libraries
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names = [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            whole = (*base, *(node.module.split(".") if node.module else ()))
            names = [whole, *((*whole, alias.name) for alias in node.names)]
        else:
            continue
        for parts in names:
            # Of an installed package, only what lies in it; never the workbench, whose version is recorded by itself.
            if parts[:1] != ("workbench",) and (not installed or parts[:1] == package[:1]):
                yield from _files(root, parts)


def _files(root: Path, parts: tuple[str, ...]) -> Iterator[Path]:
    """The file of a module, and the `__init__.py` of every package on the way."""
    for n in range(1, len(parts) + 1):
        place = root.joinpath(*parts[:n])
        if (place / "__init__.py").is_file():
            yield place / "__init__.py"
        elif place.with_suffix(".py").is_file():
            yield place.with_suffix(".py")
