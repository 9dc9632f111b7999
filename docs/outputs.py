"""Run again every command whose output the docs show, and put what it prints now in its place.

Such a block is fenced and begins with a line `$ workbench …`; a command runs in a folder of nothing but `sweeps`, and
of all it prints the standard output is kept. Where a command fails, as one does that asks a store of somebody's own,
the block stays as it is, and is named.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

BLOCK = re.compile(r"^```\n\$ (workbench [^\n]*)\n.*?^```$", re.MULTILINE | re.DOTALL)


def main() -> None:
    """Of the pages named on the command line, or of all that hold such a block."""
    folder = Path(__file__).parent
    for page in map(Path, sys.argv[1:] or sorted(map(str, folder.glob("*.md")))):
        text = page.read_text()
        fresh = BLOCK.sub(block, text)
        if fresh != text:
            page.write_text(fresh)
            print(page)


def block(found: re.Match[str]) -> str:
    """The block with what its command prints now."""
    try:
        return f"```\n$ {found[1]}\n{printed(found[1])}\n```"
    except subprocess.CalledProcessError as error:
        words = error.stderr.splitlines()
        print(f"left as it was ({words[-1] if words else error.returncode}): {found[1]}")
        return found[0]


def printed(command: str) -> str:
    """What a command prints."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    with tempfile.TemporaryDirectory() as empty:
        (Path(empty) / "sweeps").symlink_to(Path(__file__).parents[1] / "sweeps")
        done = subprocess.run(
            shlex.split(command),
            cwd=empty,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
    return "\n".join(line.rstrip() for line in done.stdout.rstrip().splitlines())


if __name__ == "__main__":
    main()
