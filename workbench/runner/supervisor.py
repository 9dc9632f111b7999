"""What a cluster runs: a supervisor, which has a job trained in a process beside it and says how that ended.

The worker is the local backend's own: whatever kills it is seen, and when its supervisor is killed it saves its work
and leaves. Runner and supervisor share the store's folder. A file there, `live/….leave`, asks the supervisor to have
the work saved: it needs no connection to a machine that may be gone, and reaches a job that has not begun yet.
Free of torch.
"""

import json
import socket
import sys
import time
import uuid
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from workbench.errors import BadInput, Stopped
from workbench.runner.description import read_description
from workbench.runner.ending import Ending
from workbench.runner.worker_process import WorkerProcess, worker_context

POLL_SECONDS = 0.1


def leave_file(store: Path) -> Path:
    """A new name for the file that asks one supervisor to leave."""
    return store.resolve() / "live" / f"{uuid.uuid4().hex}.leave"


class Supervisor:
    """Trains a described job when it is called. It holds text alone until then."""

    def __init__(self, description: str, leave: str, server: bool = False) -> None:
        """`leave` is the file that asks it to leave; `server`, that workers are forked from one that lives on."""
        self.description, self.leave, self.server = description, leave, server
        self.worker: WorkerProcess | None = None

    def __call__(self) -> dict[str, Any]:
        """See the job to its end; returns its `Ending` as a table."""
        return asdict(self.supervise())

    def supervise(self) -> Ending:
        """Train in a worker process until it ends, or until it is to leave and has saved its work."""
        document = json.loads(self.description)
        for name in ("store", "corpus"):
            if not Path(document[name]).is_dir():
                return Ending(
                    BadInput.exit_code,
                    f"{document[name]}: not there on {socket.gethostname()}; the {name}'s folder must be one that all "
                    "machines share, under the same path",
                )
        if self.asked_to_leave:
            return Ending(Stopped.exit_code)
        self.worker = WorkerProcess(worker_context(gpu=not self.server), work_described, self.description)
        try:
            while (ending := self.worker.ending()) is None:
                if self.asked_to_leave:
                    self.worker.terminate()
                time.sleep(POLL_SECONDS)
        finally:
            self.worker.terminate()
        return _as_asked(ending, self.asked_to_leave)

    @property
    def asked_to_leave(self) -> bool:
        """Whether the runner wants the job saved and left."""
        return Path(self.leave).exists()

    def save(self) -> None:
        """Have the worker save its work, and wait until it has."""
        if self.worker is not None:
            self.worker.terminate()
            self.worker.process.join()


def _as_asked(ending: Ending, asked: bool) -> Ending:
    """An ending in the eyes of the runner: one that it asked for, or one that befell the worker."""
    if asked and not ending.words and ending.exit_code not in (0, BadInput.exit_code):
        return Ending(Stopped.exit_code)  # saved, or killed by the signal before it could listen
    if ending.exit_code == Stopped.exit_code:
        return Ending(None, lost=f"the worker on {socket.gethostname()} was told to stop by its machine")
    return ending


def work_described(description: str, words: Connection) -> None:
    """Body of a worker process that is given a description."""
    from workbench.runner.worker import work  # torch, which the supervisor can do without

    try:
        job = read_description(description)
    except BadInput as error:
        words.send_bytes(str(error).encode())
        sys.exit(BadInput.exit_code)
    work(job, words)
