"""Where a sweep is executed: the options of `sweep run`, and the backend that they name."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from workbench.errors import BadInput

if TYPE_CHECKING:
    from workbench.runner.local import LocalBackend
    from workbench.runner.plan import Plan
    from workbench.runner.pool import Pool
    from workbench.store import Store

Command = TypeVar("Command", bound=Callable[..., Any])

OPTIONS = (
    click.option(
        "--backend", type=click.Choice(["local", "ray", "slurm"]), default="local", show_default=True,
        help="Processes of this machine; tasks of Ray; jobs of Slurm. The last two need a store on a shared folder.",
    ),
    click.option(
        "--ray-address", metavar="HOST:PORT",
        help="The Ray cluster, or auto; by default RAY_ADDRESS, or a Ray of this machine alone.",
    ),
    click.option(
        "--slurm", multiple=True, metavar="KEY=VALUE,…",
        help="What sbatch is asked for, such as partition=gpu,gres=gpu:1,time=4:00:00. May be given again.",
    ),
)  # fmt: skip


def backend_options(command: Command) -> Command:
    """Add the options that choose a backend."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True)
class Where:
    """Where a sweep is executed."""

    workers: int | None = None
    per_device: int = 1
    device: str = "auto"
    backend: str = "local"
    ray_address: str | None = None
    slurm: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.ray_address and self.backend != "ray":
            raise BadInput(f"--ray-address is for --backend ray; with {self.backend} leave it out")
        if self.slurm and self.backend != "slurm":
            raise BadInput(f"--slurm is for --backend slurm; with {self.backend} leave it out")
        if self.slurm:
            from workbench.runner.slurm_options import read_options

            read_options(self.slurm)
        if self.backend != "local":
            from workbench.runner.extras import check_installed

            check_installed({"ray": "ray", "slurm": "submitit"}[self.backend])
        if self.backend == "ray":
            from workbench.runner.ray_address import check_reachable, ray_address

            check_reachable(ray_address(self.ray_address))

    @property
    def elsewhere(self) -> bool:
        """Whether other machines may train, of which this one knows neither the devices nor the speed."""
        return self.backend != "local"


@contextmanager
def backend_at(where: Where, planned: "Plan", store: "Store", device: str) -> "Iterator[Pool[Any]]":
    """The backend, for as long as it is needed."""
    if where.backend == "ray":
        from workbench.runner.ray_backend import connected

        with connected(where.ray_address, where.workers, where.per_device, device, _threads(planned)) as backend:
            yield backend
    elif where.backend == "slurm":
        from workbench.runner.slurm import submitting
        from workbench.runner.slurm_options import read_options

        options = read_options(where.slurm)
        yield submitting(store, planned.name, options, where.workers, device, _threads(planned))
    else:
        yield local_backend(planned, where.workers, where.per_device, device)


def local_backend(planned: "Plan", workers: int | None, per_device: int, device: str) -> "LocalBackend":
    """The local backend, with room for the plan's threads."""
    from workbench.runner.local import LocalBackend

    return LocalBackend.on_this_machine(workers, per_device, device, _threads(planned))


def _threads(planned: "Plan") -> int:
    return max(run.config.execution.threads for run in planned.runs)
