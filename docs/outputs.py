"""Run again every command whose output the docs show, and put what it prints now in its place.

Such a block is fenced and begins with a line `$ workbench …`; a command runs in a folder of nothing but `sweeps`, and
of all it prints the standard output is kept. Where a command fails, as one does that asks a store of somebody's own,
the block stays as it is, and is named.

A page may make what its commands need, with comments that no reader sees:

    <!-- run
    workbench sweep run sweeps/smoke.toml --store store
    -->

Such a page has one folder for all its commands, in the order in which they stand, and a command that fails there shows
its standard output and the sentence with which it refuses.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PIECE = re.compile(
    r"^<!-- run\n(?P<made>.*?)^-->$|^```(?P<kind>\w*)\n\$ (?P<command>workbench [^\n]*)\n.*?^```$",
    re.MULTILINE | re.DOTALL,
)


def main() -> None:
    """Of the pages named on the command line, or of all that hold such a block."""
    folder = Path(__file__).parent
    for page in map(Path, sys.argv[1:] or sorted(map(str, folder.glob("*.md")))):
        text = page.read_text()
        fresh = renewed(text)
        if fresh != text:
            page.write_text(fresh)
            print(page)


def renewed(text: str) -> str:
    """A page with what its commands print now."""
    if not any(found["made"] for found in PIECE.finditer(text)):
        return PIECE.sub(alone, text)
    with tempfile.TemporaryDirectory() as folder:
        return PIECE.sub(lambda found: together(found, folder), text)


def alone(found: re.Match[str]) -> str:
    """A block of a page that makes nothing, with what its command prints in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        done = shell(found["command"], folder)
    if done.returncode == 0:
        return block(found, done.stdout)
    words = done.stderr.splitlines()
    print(f"left as it was ({words[-1] if words else done.returncode}): {found['command']}")
    return found[0]


def together(found: re.Match[str], folder: str) -> str:
    """A piece of a page that makes what it needs: what is made, or a block."""
    if found["made"] is not None:
        done = shell(f"set -e\n{found['made']}", folder)
        if done.returncode:
            raise SystemExit(f"cannot be made: {found['made']}{done.stderr}")
        return found[0]
    done = shell(found["command"], folder)
    refusal = done.stderr.splitlines()[-1:] if done.returncode and not done.stdout else []
    return block(found, "\n".join([done.stdout, *refusal]))


def shell(command: str, folder: str) -> "subprocess.CompletedProcess[str]":
    """Run a command line in a folder with the definitions, this environment's `workbench` first in the path."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    sweeps = Path(folder) / "sweeps"
    if not sweeps.exists():
        sweeps.symlink_to(Path(__file__).parents[1] / "sweeps")
    return subprocess.run(["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True)


def block(found: re.Match[str], printed: str) -> str:
    """The block with this below its command."""
    lines = "\n".join(line.rstrip() for line in printed.strip("\n").splitlines())
    return f"```{found['kind']}\n$ {found['command']}\n{lines}\n```"


if __name__ == "__main__":
    main()
