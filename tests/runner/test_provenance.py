"""What is recorded of the code."""

import json
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import workbench
from workbench.runner.provenance import code_version, packages_json

ASK = "from workbench.runner.provenance import code_version; print(code_version())"


def test_a_changed_source_has_another_version(tmp_path: Path) -> None:
    copy = tmp_path / "workbench"
    shutil.copytree(Path(workbench.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__", "reference"))
    ask = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {ASK}"]
    before = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
    with (copy / "errors.py").open("a") as file:
        file.write("# changed\n")
    after = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
    assert before == code_version() != after
    assert before.startswith(f"{workbench.__version__}+") and after.startswith(f"{workbench.__version__}+")


def test_packages_are_those_installed() -> None:
    assert json.loads(packages_json())["torch"] == version("torch")
