import os
from pathlib import Path

import pytest

from tracker.errors import SpecError
from tracker.spec.node import INVALID, plain
from tracker.spec.source import MAX_BYTES, argument, read


def refusal(path: Path) -> str:
    with pytest.raises(SpecError) as caught:
        read(path)
    return str(caught.value).replace(f"{path.parent}{os.sep}", "")


def test_a_byte_order_mark_is_no_character(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'\xef\xbb\xbf{"a": NaN}')
    node, [problem] = read(path)
    assert node.value["a"].value is INVALID
    assert (problem.line, problem.column) == (1, 7)


def test_exactly_one_megabyte_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"{}" + b" " * (MAX_BYTES - 2))
    assert plain(read(path)[0]) == {}
    path.write_bytes(b"{}" + b" " * (MAX_BYTES - 1))
    assert refusal(path) == "a.json: is larger than 1 MB: this is no experiment file"


def test_the_first_byte_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes('{"é": "\n'.encode() + b'caf\xe9"}')
    assert refusal(path) == "a.json:2:4: must be UTF-8: byte 0xe9 at offset 12"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", 1),
        ("0.5", 0.5),
        ("true", True),
        ("null", None),
        ("resnet18", "resnet18"),
        ('"2024"', "2024"),
        ("", ""),
        ("a b", "a b"),
        ("1.2.3", "1.2.3"),
        ("[1, 2]", [1, 2]),
        ('{"name": "adam"}', {"name": "adam"}),
        ("'a'", "'a'"),
        ("//x", "//x"),
    ],
)
def test_an_argument_is_json_or_else_a_string(text: str, expected: object) -> None:
    node, problems = argument("--set a=…", text, ("a",))
    assert plain(node) == expected
    assert problems == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1, 2", "--set: a: the end, but the '[' is not closed"),
        ('{"x": 1,}', "a trailing comma"),
        ('"abc', "a string without a closing quote"),
        ("NaN", "--set: a: NaN is not JSON; write a finite number, or null"),
        ("1e999", "--set: a: 1e999 is not a finite number"),
        ("\udce9", "--set: a: is not valid UTF-8"),
    ],
)
def test_what_is_meant_as_json_must_be_json(text: str, expected: str) -> None:
    node, [problem] = argument("--set", text, ("a",))
    assert node.value is INVALID
    assert expected in str(problem)
