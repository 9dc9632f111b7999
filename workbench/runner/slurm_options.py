"""`--slurm partition=gpu,time=4:00:00`: what sbatch is asked for, read and checked before anything is submitted.

Free of torch and of submitit, whose names these are: those of its `SlurmExecutor` that suit a job of one task.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

from workbench.errors import BadInput


def _minutes(text: str) -> int:
    """Minutes, or Slurm's D-HH:MM:SS with any of its parts left out that Slurm lets one leave out."""
    if text.isdigit():
        return int(text)
    found = re.fullmatch(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?", text)
    if not found or (found[3] is None and found[1] is None):
        raise ValueError("it should be minutes, HH:MM:SS or D-HH:MM:SS")
    days, first, second, third = found.groups()
    if days is None and third is None:  # MM:SS
        return int(first) + (int(second) > 0)
    return int(days or 0) * 1440 + int(first) * 60 + int(second or 0) + (int(third or 0) > 0)


def _whole(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise ValueError("it should be a whole number above 0")
    return int(text)


def _yes_or_no(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("it should be true or false")
    return text == "true"


def _line(text: str) -> list[str]:
    return [text]


OPTIONS: dict[str, Callable[[str], Any]] = {
    "account": str,
    "comment": str,
    "constraint": str,
    "cpus_per_gpu": _whole,
    "cpus_per_task": _whole,
    "dependency": str,
    "exclude": str,
    "exclusive": _yes_or_no,
    "gpus_per_node": _whole,
    "gpus_per_task": _whole,
    "gres": str,
    "job_name": str,
    "mail_type": str,
    "mail_user": str,
    "mem": str,
    "mem_per_cpu": str,
    "mem_per_gpu": str,
    "nodelist": str,
    "partition": str,
    "qos": str,
    "setup": _line,
    "signal_delay_s": _whole,
    "srun_args": str.split,
    "teardown": _line,
    "time": _minutes,
    "use_srun": _yes_or_no,
    "wckey": str,
}
"""Option → how its value is read."""


def read_options(texts: Iterable[str]) -> dict[str, Any]:
    """The options of `KEY=VALUE,KEY=VALUE`, given once or several times.

    A piece without `=` goes on with the value before it, so that `exclude=n1,n2` is one option.
    """
    options: dict[str, Any] = {}
    for text in texts:
        for key, value in _pairs(text):
            if key not in OPTIONS:
                raise BadInput(f"--slurm {key}: no such option; there are {', '.join(OPTIONS)}")
            try:
                read = OPTIONS[key](value)
            except ValueError as error:
                raise BadInput(f"--slurm {key}={value}: {error}") from None
            options[key] = options[key] + read if key in options and isinstance(read, list) else read
    return options


def _pairs(text: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for piece in text.split(","):
        key, equals, value = piece.partition("=")
        if equals and re.fullmatch(r"[a-z_]+", key.strip()):
            pairs.append((key.strip(), value.strip()))
        elif pairs:
            pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]},{piece}")
        else:
            raise BadInput(f"--slurm {text}: it should be KEY=VALUE, such as partition=gpu,time=4:00:00")
    return pairs
