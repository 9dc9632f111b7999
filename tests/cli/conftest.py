"""What the tests of several commands share."""

import pytest

from workbench.cli.main import main


@pytest.fixture
def run(capsys):
    """Call the command; returns its exit code, stdout and stderr."""

    def call(*args):
        with pytest.raises(SystemExit) as done:
            main([str(arg) for arg in args])
        out, err = capsys.readouterr()
        return done.value.code, out, err

    return call
