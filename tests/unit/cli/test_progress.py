"""The bar over pictures: on a terminal that somebody watches, and nowhere else."""

import io
import sys

import pytest
from rich.console import Console

from tracker.cli import progress
from tracker.cli.progress import counting


def test_without_a_terminal_only_lines_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    with counting(3, "pictures") as count:
        count.advance(2)
        count.say("x.png: torn\x1b")
    assert capsys.readouterr() == ("", "x.png: torn\\x1b\n")


def test_on_a_terminal_a_bar_is_drawn_and_wiped(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80)
    monkeypatch.setattr(progress, "_console", lambda: console)
    with counting(3, "pictures") as count:
        count.advance(2)
        count.say("x.png: [bold]torn\x1b")
    drawn = screen.getvalue()
    assert "x.png: [bold]torn\\x1b" in drawn
    assert "pictures" in drawn
    assert "2/3" in drawn
    assert drawn.endswith("\x1b[2K"), "nothing of it stays"


@pytest.mark.parametrize(("name", "value"), [("CI", "1"), ("TERM", "dumb")])
def test_nobody_looks_at_some_terminals(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    assert progress._console() is not None
    monkeypatch.setenv(name, value)
    assert progress._console() is None
