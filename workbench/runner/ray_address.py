"""The address of a Ray cluster: whether anybody answers there, asked before Ray is, which waits for minutes. Free of
torch and of Ray.
"""

import os
import re
import socket

from workbench.errors import BadInput

CONNECT_SECONDS = 5.0
"""For a TCP connection, which a network that works makes in well under a second."""


def ray_address(given: str | None) -> str | None:
    """The address given, or RAY_ADDRESS; None for a Ray of this machine alone."""
    return given or os.environ.get("RAY_ADDRESS") or None


def check_reachable(address: str | None) -> None:
    """Refuse a HOST:PORT at which nobody answers; `auto`, and what else Ray knows by name, is Ray's to find."""
    found = re.fullmatch(r"(?:ray://)?\[?([^\[\]]+)\]?:(\d+)", address or "")
    if not found:
        return
    host, port = found[1], int(found[2])
    hosts = [host, own_address()] if host in ("localhost", "127.0.0.1", "::1") else [host]
    try:
        _connect(hosts, port)
    except (OSError, OverflowError) as error:
        why = "no answer" if isinstance(error, TimeoutError) else getattr(error, "strerror", None) or str(error)
        raise BadInput(
            f"--ray-address {address}: no Ray cluster can be reached there ({why}); give the HOST:PORT that "
            "`ray start --head` printed, or leave it out for a Ray of this machine alone"
        ) from error


def own_address() -> str:
    """The address by which others see this machine: Ray listens there, and takes the loopback address for it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it asks which way a packet would leave
        except OSError:  # no network
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def _connect(hosts: list[str], port: int) -> None:
    """Reach the port at one of the hosts, or raise as at the first."""
    failures: list[Exception] = []
    for host in hosts:
        try:
            socket.create_connection((host, port), CONNECT_SECONDS).close()
        except (OSError, OverflowError) as error:
            failures.append(error)
        else:
            return
    raise failures[0]
