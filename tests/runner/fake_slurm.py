"""A Slurm small enough to test against: sbatch, srun, sacct, scancel and scontrol over one folder of files.

Jobs really run, each under a daemon of its own that plays the node: it waits for room, runs the script, and runs it
again where the job was queued again meanwhile. `install` puts the commands on a PATH.
"""

import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import psutil

COMMANDS = ("sbatch", "srun", "sacct", "scancel", "scontrol")


def install(folder: Path, room: int) -> Path:
    """Write the commands, which keep their jobs under `folder`; returns the folder to be put on PATH."""
    programs = folder / "bin"
    programs.mkdir(parents=True)
    (folder / "jobs").mkdir()
    (folder / "room").write_text(str(room))
    for name in COMMANDS:
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {__file__} {folder} {name} "$@"\n')
        program.chmod(0o755)
    return programs


def jobs(folder: Path) -> list[Path]:
    """The folders of all jobs, in the order of their submission."""
    return sorted((folder / "jobs").iterdir(), key=lambda path: int(path.name))


def state(job: Path) -> str:
    """A job's state; what is being written is read again."""
    while not (text := (job / "state").read_text()):
        time.sleep(0.01)
    return text


def processes(job: Path) -> list[psutil.Process]:
    """The processes of a job's step: all but the shell that runs its script, which Slurm does not signal."""
    return psutil.Process(int((job / "pid").read_text())).children(recursive=True)


def sbatch(folder: Path, script: str) -> None:
    """Queue a script."""
    (folder / "submissions").open("a").write("x")
    job = folder / "jobs" / str(1000 + (folder / "submissions").stat().st_size)
    job.mkdir()
    (job / "script").write_text(Path(script).read_text())
    (job / "state").write_text("PENDING")
    subprocess.Popen(
        [sys.executable, __file__, str(folder), "node", job.name],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    print(f"Submitted batch job {job.name}")


def node(folder: Path, name: str) -> None:
    """Run a job as often as it is queued."""
    job = folder / "jobs" / name
    while True:
        while state(job) == "PENDING":
            first = next(one for one in jobs(folder) if state(one) == "PENDING")
            running = sum(state(one) == "RUNNING" for one in jobs(folder))
            if running < int((folder / "room").read_text()) and first == job:
                (job / "state").write_text("RUNNING")
            time.sleep(0.05)
        if state(job) != "RUNNING":
            return
        environment = {**os.environ, "SLURM_JOB_ID": name, "SLURM_JOB_NODELIST": "here"}
        with (job / "runs").open("a") as runs:
            runs.write("x")
        process = subprocess.Popen(["bash", str(job / "script")], env=environment, start_new_session=True)
        (job / "pid").write_text(str(process.pid))
        code = process.wait()
        if (job / "requeue").exists():
            (job / "requeue").unlink()
            (job / "state").write_text("PENDING")
            continue
        (job / "state").write_text("FAILED" if code else "COMPLETED")
        return


def srun(_: Path, *arguments: str) -> None:
    """Run a step, its output in the files that were named."""
    rest, files = list(arguments), {}
    while rest[0].startswith("--"):
        option = rest.pop(0)
        if option in ("--output", "--error"):
            files[option] = rest.pop(0).replace("%j", os.environ["SLURM_JOB_ID"]).replace("%t", "0")
    for stream, option in ((1, "--output"), (2, "--error")):
        os.dup2(os.open(files[option], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), stream)
    os.execvp(rest[0], rest)


def sacct(folder: Path, *arguments: str) -> None:
    """Print the states of the jobs asked for."""
    print("JobID|State|NodeList")
    for flag, name in pairwise(arguments):
        if flag == "-j":
            print(f"{name}|{state(folder / 'jobs' / name)}|here")


def scancel(folder: Path, pending: str, name: str) -> None:
    """Take a job out of the queue that has not begun."""
    assert pending == "--state=PENDING"
    if state(folder / "jobs" / name) == "PENDING":
        (folder / "jobs" / name / "state").write_text("CANCELLED by 1000")


def scontrol(folder: Path, what: str, name: str) -> None:
    """Queue a job again: it is ended first."""
    assert what == "requeue"
    (folder / "jobs" / name / "requeue").touch()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    globals()[sys.argv[2]](Path(sys.argv[1]), *sys.argv[3:])
