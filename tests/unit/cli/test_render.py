import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.cli import render
from tracker.cli.render import show_facts, show_json, show_json_line, show_table
from tracker.reading.table import Table, count, duration, number, plain

TABLE = Table(
    ("run", "accuracy/val", "what it is"),
    [("a/b/s0", "0.5", "plain"), ("a/long-name/s1", "12.25", "an \x1b[31mattack")],
    tail=1,
)


def test_a_pipe_gets_plain_columns(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(TABLE)
    assert capsys.readouterr().out.split("\n") == [
        "run             accuracy/val  what it is",
        "a/b/s0                   0.5  plain",
        "a/long-name/s1         12.25  an \\x1b[31mattack",
        "",
    ]


def test_a_table_without_rows_is_its_titles() -> None:
    assert plain(Table(("a", "b"), [])) == ["a  b"]


@pytest.fixture
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.usefixtures("_terminal")
def test_a_terminal_loses_nothing_and_is_not_overrun(capsys: pytest.CaptureFixture[str]) -> None:
    words = "word " * 40
    show_table(Table(("run", "best", "what it is"), [("r" * 50, "0.5", words)], tail=1))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    together = "".join(lines)
    assert together.count("word") == 40
    assert together.count("r") >= 50


@pytest.mark.usefixtures("_terminal")
@pytest.mark.parametrize("columns", ["1", "7", "1000"])
def test_any_width_will_do(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    show_table(TABLE)
    show_facts({"run": "a b c", "note": "one\ntwo"})
    assert "\x1b[31mattack" not in capsys.readouterr().out


@pytest.mark.usefixtures("_terminal")
@pytest.mark.parametrize("columns", [38, 37])
def test_a_title_is_broken_only_where_there_is_no_room(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    show_table(Table(("a run", "images/s", "what it is"), [("a" * 8, "1234567", "b" * 20)], tail=1))
    first = capsys.readouterr().out.splitlines()[0]
    assert ("images/s" in first) == (columns == 38)


@pytest.mark.usefixtures("_terminal")
@pytest.mark.parametrize(("name", "has_codes"), [("NO_COLOR", False), ("ANYTHING", True)])
def test_without_colours_there_is_no_style_at_all(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    has_codes: bool,
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv(name, "1")
    show_table(Table(("run", "state"), [("a", "finished")], words=2))
    assert ("\x1b[" in capsys.readouterr().out) == has_codes


@pytest.mark.usefixtures("_terminal")
def test_markup_in_a_name_is_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(Table(("run",), [("[red]x[/red]",)]))
    assert "[red]x[/red]" in capsys.readouterr().out


def test_facts_stand_in_two_columns(capsys: pytest.CaptureFixture[str]) -> None:
    show_facts({"run": "a", "browse": "one\ntwo"})
    assert capsys.readouterr().out == "run     a\nbrowse  one\n        two\n"


def test_json_is_strict_and_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    show_json(runs=[{"last": math.nan, "best": -math.inf, "name": "\x1b é \udcff"}])
    text = capsys.readouterr().out
    assert json.loads(text, parse_constant=pytest.fail) == {
        "schema_version": 1,
        "runs": [{"last": None, "best": None, "name": "\x1b é \udcff"}],
    }
    assert text.isascii()


def test_a_line_of_json_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    show_json_line(a=[1, 2], b={"c": "\n"})
    assert capsys.readouterr().out.count("\n") == 1


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0.0, "0.0000"),
        (0.93456, "0.9346"),
        (1e-5, "1.00e-05"),
        (12345.0, "1.23e+04"),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        (-0.5, "-0.5000"),
    ],
)
def test_numbers(value: float | None, shown: str) -> None:
    assert number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0, "0"),
        (7, "7"),
        (12.34, "12.3"),
        (999, "999"),
        (999.6, "1.0k"),
        (1000, "1.0k"),
        (23_520_842, "23.5M"),
        (145_578, "146k"),
        (2.6e9, "2.6G"),
        (5e18, "5000P"),
        (math.inf, "infP"),
    ],
)
def test_counts(value: float | None, shown: str) -> None:
    assert count(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "–"),
        (-3, "0s"),
        (59.4, "59s"),
        (59.6, "1m00s"),
        (185, "3m05s"),
        (3600, "1h00m"),
        (7800, "2h10m"),
        (86400 * 4 + 7 * 3600, "4d07h"),
    ],
)
def test_durations(seconds: float | None, shown: str) -> None:
    assert duration(seconds) == shown


@given(st.floats(0, 1e15))
def test_cells_stay_narrow(value: float) -> None:
    assert len(count(value)) <= 5
    assert len(number(value)) <= 9
