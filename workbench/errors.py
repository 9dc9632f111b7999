"""The few errors a person meets: each is one sentence, and each knows its exit code."""


class WorkbenchError(Exception):
    """Something failed; the message says what. Exit code 1."""

    exit_code = 1


class BadInput(WorkbenchError):
    """The input is wrong: names the file, the key, the value and what would be right. Exit code 2."""

    exit_code = 2


class Stopped(WorkbenchError):
    """Stopped on request with its work saved; the same command resumes it. Exit code 75 (EX_TEMPFAIL)."""

    exit_code = 75
