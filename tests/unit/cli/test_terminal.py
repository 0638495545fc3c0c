import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.cli.terminal import is_terminal, out, say
from tracker.errors import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2Jgone", r"\x1b[2Jgone"),
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("\x9b31m", r"\x9b31m"),  # the eight-bit form of ESC [
        ("user\u202etxt.exe", r"user\u202etxt.exe"),
        ("\udcff", r"\udcff"),
        ("größer ≤ 語 ×", "größer ≤ 語 ×"),
    ],
)
def test_what_could_steer_a_terminal_is_spelled_out(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(st.characters()))
def test_nothing_that_steers_is_left(text: str) -> None:
    shown = printable(text)
    assert not any(c < " " or "\x7f" <= c <= "\x9f" or "\u202a" <= c <= "\u202e" for c in shown)
    shown.encode()  # no lone surrogate
    assert printable(shown) == shown


def test_line_ends_of_a_message_stay() -> None:
    assert printable("a\nb\x07", keep="\n") == "a\nb\\x07"


def test_data_and_words_go_apart(capsys: pytest.CaptureFixture[str]) -> None:
    out("data\x1b")
    say("words\x1b")
    assert capsys.readouterr() == ("data\\x1b\n", "words\\x1b\n")


def test_words_that_nobody_hears_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("click.echo", gone)
    say("hello")
    with pytest.raises(BrokenPipeError):
        out("hello")


def test_nobody_watches_a_terminal_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert is_terminal()
    monkeypatch.setenv("CI", "true")
    assert not is_terminal()
