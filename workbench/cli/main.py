"""The command `workbench`: a table of command groups, each imported only when it is called."""

import importlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from workbench import __version__
from workbench.errors import BadInput, Stopped, WorkbenchError
from workbench.words import meant

COMMANDS: dict[str, tuple[str, str]] = {
    "quickstart": ("workbench.cli.quickstart", "The main job, end to end: corpus, sweep, fits, report."),
    "corpus": ("workbench.cli.corpus", "Prepare a corpus, or show what it holds."),
    "sweep": ("workbench.cli.sweep", "Plan, run or watch a sweep of trainings."),
    "run": ("workbench.cli.run", "Train one model."),
    "eval": ("workbench.cli.evaluate", "Measure a trained model with probes."),
    "generate": ("workbench.cli.generate", "Let a trained model continue a prompt."),
    "export": ("workbench.cli.export", "Write a trained model as a folder that Hugging Face opens."),
    "fit": ("workbench.cli.fit", "Fit scaling laws to a store or a table."),
    "forecast": ("workbench.cli.forecast", "Say what a larger model would give, with intervals."),
    "next": ("workbench.cli.next", "Propose the runs that shrink one interval most for a budget."),
    "price": ("workbench.cli.price", "Say what each technique of a sweep is worth in compute."),
    "rates": ("workbench.cli.rates", "Find the best learning rate at each width of a sweep."),
    "batch": ("workbench.cli.batch", "Find the critical batch size of each size of a sweep."),
    "branching": ("workbench.cli.branching", "Say whether branched runs end where separate ones do."),
    "replicate": ("workbench.cli.replicate", "Make a published fit again from its own table."),
    "report": ("workbench.cli.report", "Write the fit report: HTML, Markdown and JSON."),
    "figure": ("workbench.cli.figure", "Draw a figure of the app by a command."),
    "query": ("workbench.cli.query", "Ask a store a question in SQL."),
    "store": ("workbench.cli.store", "Look after a store: compact, check, repair, migrate, remove what is not needed."),
    "app": ("workbench.cli.app", "Open the dashboard on localhost."),
    "laws": ("workbench.cli.laws", "List the scaling laws, with formulas and sources."),
    "models": ("workbench.cli.models", "List the presets with their exact counts."),
}
"""Name of a command → the module that defines a click command called `command`, and its line of help."""

WORDS: dict[type[WorkbenchError], str] = {BadInput: "Bad input", Stopped: "Stopped"}
"""Error → the word its sentence begins with; the others have failed."""

EPILOG = "Exit codes: 0 done, 1 failed, 2 bad input, 75 stopped and resumable by the same command."


class LazyGroup(click.Group):
    """A group that imports a command when it is called, so that `--help` needs none of them."""

    def list_commands(self, _: click.Context) -> list[str]:
        """The commands, in the order of the work."""
        return list(COMMANDS)

    def get_command(self, _: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command, or None where no command has the name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[cmd_name][0])
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is called; of a mistyped one, which was likely meant."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            said = meant(args[0], COMMANDS) or "workbench --help lists them."
            ctx.fail(f"there is no command '{args[0]}'; {said.rstrip()}")
        return super().resolve_command(ctx, args)

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.command(cls=LazyGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="workbench")
def cli() -> None:
    """Train a grid of GPTs, fit scaling laws with honest intervals, and say what a larger model would give."""


def main(args: list[str] | None = None) -> None:
    """Entry point: run the command and leave with its documented exit code."""
    try:
        with _terminated_as_interrupted():
            _run(args)
    except KeyboardInterrupt:  # between the command and its end
        sys.exit(Stopped.exit_code)


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM does what Ctrl-C does, while inside: with the exit code of a command that may be repeated."""
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _run(args: list[str] | None) -> None:
    try:
        result: Any = cli.main(args=args, prog_name="workbench", standalone_mode=False)
        sys.exit(result if isinstance(result, int) else 0)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        sys.exit(Stopped.exit_code)
    except BrokenPipeError:  # the reader of stdout has left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except WorkbenchError as error:
        kind = next((word for of, word in WORDS.items() if isinstance(error, of)), "Failed")
        click.echo(f"{kind}: {error}", err=True)
        sys.exit(error.exit_code)
