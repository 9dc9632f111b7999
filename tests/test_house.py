"""The house stands as it was drawn: imports run one way, heavy libraries load late, every package ships."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = {
    "corpus": set(),
    "models": set(),
    "training": {"corpus", "models"},
    "store": set(),
    "evaluation": {"corpus", "models", "generation", "training"},
    "generation": {"corpus", "models"},
    "runner": {"corpus", "models", "training", "store", "evaluation"},
    "fitting": set(),
    "reporting": {"fitting"},
    "analyses": {"corpus", "models", "training", "runner", "store", "fitting", "reporting"},
    "app": {"models", "store", "fitting", "reporting", "analyses"},
}
"""Room → the rooms it may import; every room may import itself and the few files beside the rooms."""

SHARED = {"errors", "files", "validation", "words"}


def imports_of(path: Path) -> set[str]:
    """The parts of `workbench` that a file imports at its top or inside its functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [
                f"{node.module}.{alias.name}" if node.module == "workbench" else node.module for alias in node.names
            ]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("workbench.")}
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_imports_run_one_way(room: str) -> None:
    folder = ROOT / room if room in ("analyses", "app") else ROOT / "workbench" / room
    allowed = ROOMS[room] | SHARED | {room, "__version__"}
    for path in folder.rglob("*.py"):
        assert imports_of(path) <= allowed, f"{path.relative_to(ROOT)} imports {imports_of(path) - allowed}"


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("workbench.cli.main", {"torch", "pandas", "pydantic", "rich", "plotly"}),
        ("workbench.training.horizon", {"torch", "pandas"}),
        ("workbench.runner.definition", {"torch"}),
        ("workbench.models.presets", {"torch"}),
        ("workbench.fitting", {"torch", "streamlit", "plotly"}),
        ("workbench.analyses.scaling", {"torch", "streamlit"}),
    ],
)
def test_a_module_loads_without_heavy_libraries(module: str, heavy: set[str]) -> None:
    code = f"import sys, {module}; print(*({heavy!r} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""


def test_every_package_ships() -> None:
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    found = {
        ".".join(("workbench", *path.parent.relative_to(ROOT).parts)).replace("workbench.workbench", "workbench")
        for top in ("workbench", "analyses", "app", "sweeps")
        for path in (ROOT / top).rglob("__init__.py")
    }
    assert found == listed


def test_the_project_speaks_of_itself_alone() -> None:
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("[!.]*/**/*.py"), *ROOT.glob("sweeps/*")]:
        if path.is_file() and "tests" not in path.parts and "build" not in path.parts:
            assert "../shared" not in path.read_text(), path
