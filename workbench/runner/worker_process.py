"""A worker as a process of this machine: started, listened to, buried."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Any

from workbench.runner.ending import Ending
from workbench.runner.retries import memory_kills


def worker_context(gpu: bool) -> BaseContext:
    """How worker processes are started: forked from a server in milliseconds, or from nothing where there is a GPU."""
    if gpu:
        return multiprocessing.get_context("spawn")  # CUDA does not survive a fork
    # A server that has imported torch once; it never touches CUDA. The first optimizer of a process would import
    # `torch._dynamo`: more than a second, for every run.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["workbench.runner.worker", "torch._dynamo"])
    return context


class WorkerProcess:
    """A worker, its last words and its end."""

    def __init__(self, context: BaseContext, target: Callable[[Any, Connection], None], what: Any) -> None:
        self.kills = memory_kills()
        self.words, theirs = context.Pipe(duplex=False)
        self.process: BaseProcess = context.Process(target=target, args=(what, theirs))  # type: ignore[attr-defined]
        self.process.start()
        theirs.close()

    def ending(self) -> Ending | None:
        """How it ended, to be asked until it has; None while it lives."""
        if self.process.is_alive():
            return None
        self.process.join()
        return Ending(self.process.exitcode, self._last_words(), memory_kills() > self.kills)

    def terminate(self) -> None:
        """Have it save its work and leave."""
        if self.process.is_alive():
            self.process.terminate()

    def _last_words(self) -> str:
        """What it said before it left; nothing, mostly."""
        with self.words:
            try:
                return self.words.recv_bytes().decode() if self.words.poll() else ""
            except EOFError:
                return ""
