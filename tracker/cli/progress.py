"""A run as it happens: a live bar on a terminal, plain lines anywhere else."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, TextIO, cast

from rich.console import Console, Group
from rich.live import Live as Screen
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tracker.cli.terminal import colours, say
from tracker.errors import printable
from tracker.training.live import Live

REFRESHES_PER_SECOND = 4


class Progress:
    """What the person at the keyboard sees. `watch` takes each new run's `Live`; `say` a line."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self._live = Live()

    def watch(self, live: Live) -> None:
        """Show `live` from now on."""
        self._live = live
        self.say(live.title)

    def __rich__(self) -> Group:
        """Draw the two lines at the foot of the terminal, as things stand this moment."""
        live = self._live
        head = Text.assemble((printable(live.title), "bold"), "  ", (live.phase, "dim"))
        bar = Table.grid(padding=(0, 1))
        bar.add_row(
            f"epoch {live.epoch}/{live.epochs}",
            ProgressBar(total=max(live.total_steps, 1), completed=live.step, width=16),
            f"step {live.step}/{live.total_steps}",
            _number(live.images_per_second, ",.0f", "images/s"),
            f"{_left(live)} left",
        )
        numbers = Text("  ").join(
            Text.assemble((name, "dim"), " ", _number(value, ".3f"))
            for name, value in (
                ("loss", live.loss),
                ("accuracy", live.accuracy),
                ("val accuracy", live.val_accuracy),
            )
        )
        return Group(head, bar, numbers)


@contextmanager
def progress() -> Iterator[Progress]:
    """Show progress while the block runs: drawn on a terminal, else only the lines said.

    `CI` set in the environment means nobody watches, whatever stderr is.
    """
    console = _console()
    if console is None:
        yield Progress(say)
        return
    shown = Progress(lambda line: console.print(Text(printable(line))))
    with Screen(shown, console=console, refresh_per_second=REFRESHES_PER_SECOND, transient=True):
        yield shown


class Count:
    """How many of so many things are done. `advance` takes how many more, `say` a line."""

    def __init__(self, advance: Callable[[int], None], say: Callable[[str], None]) -> None:
        self.advance, self.say = advance, say


@contextmanager
def counting(total: int, things: str) -> Iterator[Count]:
    """Show a bar of `total` `things` on a terminal that somebody watches, while the block runs."""
    console = _console()
    if console is None:
        yield Count(lambda _: None, say)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=console, transient=True) as bars:
        task = bars.add_task(things, total=total)
        yield Count(
            lambda more: bars.advance(task, more), lambda line: console.print(Text(printable(line)))
        )


def _console() -> Console | None:
    """The terminal to draw on; None where nobody looks at one."""
    if not sys.stderr.isatty() or os.environ.get("CI") or os.environ.get("TERM") == "dumb":
        return None
    window = cast("TextIO", _Window(sys.stderr))
    return Console(file=window, highlight=False, color_system=colours())


class _Window:
    """A terminal that may be closed while it is drawn on: what nobody sees any more is let go."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _left(live: Live) -> str:
    seconds = live.seconds_left(time.monotonic())
    return "–" if seconds is None else str(timedelta(seconds=round(seconds)))


def _number(value: float | None, form: str, unit: str = "") -> str:
    return "–" if value is None else f"{value:{form}} {unit}".rstrip()
