"""`python -m tests.chaos.runner STORE sweep run …`: the command, its fuse lit in the runner or in its workers."""

import os
import sys
from multiprocessing.context import ForkServerContext
from pathlib import Path
from unittest.mock import patch

from tests.chaos.fuse import watch

STORE = "WORKBENCH_TEST_STORE"


def main() -> None:
    """Run the command; the fork server, and so its workers, import `tests.chaos.worker` as well."""
    from workbench.cli.main import main as command

    store = Path(sys.argv[1])
    os.environ[STORE] = str(store)
    preload = ForkServerContext.set_forkserver_preload

    def with_fuse(self: ForkServerContext, modules: list[str]) -> None:
        preload(self, [*modules, "tests.chaos.worker"])

    with patch.object(ForkServerContext, "set_forkserver_preload", with_fuse):
        watch("runner", store)
        command(sys.argv[2:])


if __name__ == "__main__":
    main()
