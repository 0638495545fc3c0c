"""The front door: a table of commands, and the one place where an error becomes an exit code.

`tracker --help` imports click and nothing of the house: the table carries each command's one-line
help, and a command's module, `commands/NAME.py`, is imported when that command is asked for.
"""

from __future__ import annotations

import importlib
import io
import os
import select
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from keyword import iskeyword
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem, shell_complete

from tracker.cli.terminal import say
from tracker.errors import TrackerError
from tracker.version import __version__

COMMANDS = {
    "init": "Write a first experiment file to start from.",
    "schema": "Print the JSON Schema of experiment files.",
    "validate": "Check experiment files; list their runs.",
    "models": "List the models an experiment can name.",
    "datasets": "List the data sets it can name.",
    "data": "Show what a run would learn from.",
    "run": "Train what experiment files ask for.",
    "ls": "List runs with their state and their numbers.",
    "show": "Show everything about one run.",
    "diff": "Say why two runs differ.",
    "compare": "Say which group is better, if any.",
    "report": "Write the answer as a page or Markdown.",
    "baseline": "Write down what a short run comes to.",
    "check": "Say if training is still what it was.",
    "tensorboard": "Browse runs in TensorBoard.",
    "predict": "Say what is on pictures, by what a run has learned.",
    "evaluate": "Score a run on its own or on other pictures.",
    "export": "Write the curves of runs, or a run's network, to files.",
    "import": "Make runs of event files others wrote.",
    "rm": "Move runs to the trash.",
    "restore": "Bring runs back from the trash.",
    "gc": "Delete old trash and leftovers for good.",
    "doctor": "Check this machine, or every file of a run.",
    "completion": "Print a shell completion script.",
}
ALIASES = {"tb": "tensorboard"}
COMPLETE_VARIABLE = "_TRACKER_COMPLETE"


def load(target: str) -> Any:
    """The object that "module:name" stands for; imports the module now."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


class LazyGroup(click.Group):
    """A click group over `COMMANDS` that lists and completes commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The commands in the table's order, which is the order one needs them in."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return one command, by its name or its alias; None for an unknown one."""
        name = ALIASES.get(cmd_name, cmd_name)
        if name not in COMMANDS:
            return None
        word = f"{name}_" if iskeyword(name) else name
        command: click.Command = load(f"tracker.cli.commands.{word}:{word}")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command of `args`; raises UsageError that names the nearest one."""
        name = args[0]
        if name not in COMMANDS and name not in ALIASES and not ctx.resilient_parsing:
            near = get_close_matches(name, [*COMMANDS, *ALIASES], n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"There is no command {name!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The commands' part of the help page, from the table alone."""
        short = {name: f"{name}, {alias}" for alias, name in ALIASES.items()}
        with formatter.section("Commands"):
            formatter.write_dl([(short.get(name, name), text) for name, text in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names and flags that begin with `incomplete`, from the table alone."""
        names = [
            CompletionItem(name, help=text)
            for name, text in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tracker", message="%(prog)s %(version)s")
@click.option(
    "--runs",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs"),
    envvar="TRACKER_RUNS",
    show_default=True,
    show_envvar=True,
    metavar="DIR",
    help="Folder the runs live in.",
)
@click.pass_context
def cli(ctx: click.Context, runs: Path) -> None:
    """Train what a JSON file asks for, see it in TensorBoard, compare what came out.

    \b
    Exit codes: 0 ok, 1 a run failed, 2 usage or invalid spec, 3 no such run,
    4 busy or exists, 5 damaged file, 6 disk or missing data,
    7 a check failed, an expectation was not met, or diff --exit-code: they differ,
    8 cannot be compared, 70 our bug,
    129/130/143 stopped by a signal with the state saved.
    """
    ctx.obj = runs


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (default: this process's own) and return its exit code; never raises.

    What goes wrong is said on stderr in words. A reader that went away (`| head -1`) ends it
    quietly with 0.
    """
    _open_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a latin-1 terminal gets \u2026, not a traceback
            stream.reconfigure(errors="backslashreplace")
    return _finish(_answer(list(sys.argv[1:] if argv is None else argv)))


def _open_closed() -> None:
    """Let stdin, stdout and stderr lead nowhere where they were closed at the start (`2>&-`).

    Else the next file opened would get the number of one, and what C code says, or a process that
    we start, would be written into it.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free
            os.set_inheritable(descriptor, True)
            setattr(sys, name, os.fdopen(descriptor, mode))


def _answer(args: list[str]) -> int:
    """Invoke the command and turn what it raises into words and a code."""
    try:
        return _invoke(args)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as error:
        return _usage(error)
    except (KeyboardInterrupt, click.Abort):
        return 130
    except OSError as error:
        if isinstance(error, BrokenPipeError) and _stdout_left():
            return 0
        where = f": {error.filename}" if error.filename is not None else ""
        say(f"{error.strerror or error}{where}")
        return 6
    except MemoryError:
        say("Out of memory.")
        return 6
    except Exception as error:  # noqa: BLE001 - the one boundary: whatever is left is our bug
        return _crash(error)


def _finish(code: int) -> int:
    """Flush stdout here, where a full disk can still be answered in words."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        # Point stdout at nothing, or Python's own last flush would fail aloud once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if code == 0 and not isinstance(error, BrokenPipeError):
            say(f"Cannot write to stdout: {error.strerror}")
            return 6
    return code


def _stdout_left() -> bool:
    """Whether the reader of our stdout is gone, as apart from some other pipe of a run's own."""
    watch = select.poll()
    watch.register(1, 0)  # errors are reported whatever one asks for
    return bool(watch.poll(0))


def _invoke(args: list[str]) -> int:
    """Run a command, or answer the shell's completion script; a command may return its code."""
    if instruction := os.environ.get(COMPLETE_VARIABLE):
        return shell_complete(cli, {}, "tracker", COMPLETE_VARIABLE, instruction)
    with cli.make_context("tracker", args) as ctx:
        try:
            code = cli.invoke(ctx)
        except TrackerError as error:
            if type(error) is TrackerError:
                return _crash(error)
            say(str(error))  # within the context, which knows what to put into its hints
            return error.exit_code
    return code if isinstance(code, int) else 0


def _usage(error: click.ClickException) -> int:
    """Say what is wrong with the command line, the nearest right thing, and where to read on."""
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    path = ctx.command_path if ctx else "tracker"
    message = error.format_message()
    if isinstance(error, click.NoSuchOption) and error.option_name == "--runs":
        message = "--runs goes before the command: tracker --runs DIR COMMAND"
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        say(message)
    else:
        say(f"{path}: {message}\nSee '{path} --help'.")
    return 2


def _crash(error: BaseException) -> int:
    code: int = load("tracker.cli.crash:report")(error)
    return code


if __name__ == "__main__":
    sys.exit(main())
