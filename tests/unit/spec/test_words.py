import pytest

from tracker.errors import printable
from tracker.spec.words import dotted, kind, listed, nearest, shorten, show


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("résumé ✓", "résumé ✓"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\x00b\nc", "a\\x00b\\nc"),
        ("\u202eevil", "\\u202eevil"),
        ("\udce9", "\\udce9"),
    ],
)
def test_printable_escapes_what_a_terminal_would_act_on(text: str, expected: str) -> None:
    assert printable(text) == expected
    assert printable(printable(text)) == expected


def test_shorten_cuts_before_it_escapes() -> None:
    assert shorten("a" * 61) == "a" * 60 + "…"
    assert shorten("\x00" * 3, 2) == "\\x00\\x00…"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", "'a'"),
        (True, "true"),
        (None, "null"),
        (1, "1"),
        (0.5, "0.5"),
        ([1], "an array"),
        ({}, "an object"),
    ],
)
def test_show(value: object, expected: str) -> None:
    assert show(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, "a boolean"), (1, "an integer"), (1.0, "a number"), (None, "null"), ("", "a string")],
)
def test_kind_tells_booleans_and_integers_apart(value: object, expected: str) -> None:
    assert kind(value) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ((), ""),
        (("optimizer", "lr"), "optimizer.lr"),
        (("data", "augment", 1), "data.augment[1]"),
        (("matrix", "model.backbone", 0), "matrix['model.backbone'][0]"),
        (("a\n",), "['a\\n']"),
        (("$schema",), "$schema"),
        (("a",) * 9, "a.a.a.a.a.a…"),
    ],
)
def test_dotted(path: tuple[str | int, ...], expected: str) -> None:
    assert dotted(path) == expected


def test_nearest_finds_a_slip_and_refuses_a_stranger() -> None:
    names = ["resnet50", "se_resnet50", "small_cnn"]
    assert nearest("resnt50", names) == "resnet50"
    assert nearest("RESNET50", names) == "resnet50"
    assert nearest("transformer", names) is None
    assert nearest(50, names) is None
    assert nearest("resnet50" * 20, names) is None


def test_listed() -> None:
    assert listed([]) == "nothing"
    assert listed(["a"]) == "a"
    assert listed(["a", "b", None], "or") == "a, b or null"
    assert listed([str(i) for i in range(14)], "or").endswith("10, 11 or 2 more")
