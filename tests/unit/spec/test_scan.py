import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.errors import SpecError
from tracker.spec.node import INVALID, Node, Text, plain
from tracker.spec.scan import MAX_INTEGER, scan

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=30,
)


def read(text: str) -> Any:
    node, problems = scan(Text("x.json", text))
    assert problems == []
    return plain(node)


def refusal(text: str) -> str:
    with pytest.raises(SpecError) as caught:
        scan(Text("x.json", text))
    return str(caught.value)


@given(values, st.booleans(), st.sampled_from([None, 0, 1, "\t", "\r\n"]))
def test_reads_what_json_writes(value: Any, ascii_only: bool, indent: int | str | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert repr(read(text)) == repr(json.loads(text))


@given(st.text("{}[]\":,.0123456789-+eE \ntruefalsn\\u/dD8bx'#", max_size=40))
@settings(max_examples=500, deadline=None)
def test_takes_nothing_that_json_refuses(text: str) -> None:
    try:
        node, problems = scan(Text("x.json", text))
    except SpecError:
        return
    if not problems:
        assert repr(plain(node)) == repr(json.loads(text))


@given(values)
@settings(deadline=None)
def test_every_node_stands_where_its_text_begins(value: Any) -> None:
    text = json.dumps({"key": value}, indent=1)
    node, _ = scan(Text("x.json", text))

    def look(node: Node) -> None:
        found, _ = json.JSONDecoder().raw_decode(text[node.start :])
        assert repr(found) == repr(plain(node))
        for key, item in node.value.items() if isinstance(node.value, dict) else ():
            assert text[item.key :].startswith(json.dumps(key))
            look(item)
        for item in node.value if isinstance(node.value, list) else ():
            look(item)

    look(node)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1,}', "x.json:1:8: a trailing comma: JSON allows none before '}'"),
        ("[1,\n]", "x.json:1:3: a trailing comma: JSON allows none before ']'"),
        ('{"a": 1 // x\n}', "x.json:1:9: a comment: JSON has none"),
        ("# x\n{}", "x.json:1:1: a comment: JSON has none"),
        ("{} /* x */", "x.json:1:4: a comment: JSON has none"),
        ("{'a': 1}", "x.json:1:2: a single quote: JSON's strings take double quotes"),
        ("{\"a\": 'b'}", "x.json:1:7: a: a single quote"),
        ("{a: 1}", "x.json:1:2: a key in double quotes is expected here, not 'a'"),
        ('{"a" 1}', "x.json:1:6: a colon is expected after the key, not '1'"),
        ("[1 2]", "x.json:1:4: a comma or ']' is expected here, not '2'"),
        ("[1", "x.json:1:3: the end, but the '[' of 1:1 is not closed"),
        ('{"a": [\n1', "x.json:2:2: a: the end, but the '[' of 1:7 is not closed"),
        ('{"a', "x.json:1:2: a string without a closing quote"),
        ('["a\nb"]', "x.json:1:4: [0]: a '\\n' inside a string; is the closing quote missing?"),
        ('"\\q"', "x.json:1:2: '\\q' is no escape in JSON"),
        ("[01]", "x.json:1:2: [0]: '01' is no number in JSON"),
        ("[+1]", "x.json:1:2: [0]: '+1' is no number in JSON"),
        ("[.5]", "x.json:1:2: [0]: '.5' is no number in JSON"),
        ("[5.]", "x.json:1:2: [0]: '5.' is no number in JSON"),
        ("[0x10]", "x.json:1:2: [0]: '0x10' is no number in JSON"),
        ("[True]", "x.json:1:2: [0]: True is not JSON; write true"),
        ("[None]", "x.json:1:2: [0]: None is not JSON; write null"),
        ("[sgd]", "x.json:1:2: [0]: 'sgd' is not JSON; strings take double quotes"),
        ('{"a": }', "x.json:1:7: a: a value is expected here, not '}'"),
        ("{} {}", "x.json:1:4: more text after the end of the JSON value"),
        ("\x1b[", "x.json:1:1: a value is expected here, not '\\x1b'"),
    ],
)
def test_broken_grammar_is_explained(text: str, expected: str) -> None:
    assert refusal(text).startswith(expected)


def test_wrong_values_are_all_found_and_the_rest_is_read() -> None:
    text = '{"a": NaN, "b": 1e999,\n "a": [-Infinity, 2], "c": "\\ud800", "d": 9223372036854775808}'
    node, problems = scan(Text("x.json", text))
    assert list(map(str, problems)) == [
        "x.json:1:7: a: NaN is not JSON; write a finite number, or null",
        "x.json:1:17: b: 1e999 is not a finite number",
        "x.json:2:8: a[0]: -Infinity is not JSON; write a finite number, or null",
        "x.json:2:2: a: duplicate key 'a' (lines 1 and 2)",
        "x.json:2:28: c: half of a character (a lone surrogate) in a string",
        "x.json:2:43: d: number too large: 9223372036854775808; "
        "integers end at 9223372036854775807",
    ]
    assert node.value["b"].value is INVALID
    assert node.value["a"].value[1].value == 2


def test_a_broken_end_does_not_hide_what_came_before() -> None:
    assert refusal('{"a": NaN, "b": }').count("\n") == 1


def test_surrogate_pairs_are_one_character() -> None:
    assert read('"\\ud83d\\ude00"') == "😀"


@pytest.mark.parametrize("depth", [64, 65, 1000, 100_000])
def test_depth_is_bounded(depth: int) -> None:
    text = "[" * depth + "]" * depth
    if depth <= 64:
        assert repr(read(text)).count("[") == depth
    else:
        assert "nested deeper than 64" in refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "[" + "1," * 499_998 + "1]",
        '"' + "\\n" * 499_998,
        '"' + "\\u0041" * 166_000 + '"',
        "1" * 1_000_000,
        "{" + ",".join(f'"key{i}":[0]' for i in range(24_000)) + "}",
        "-" * 1_000_000,
        " " * 999_999 + "x",
    ],
    ids=["items", "open string", "escapes", "digits", "keys", "word", "space"],
)
def test_a_megabyte_of_anything_takes_well_under_a_second(text: str) -> None:
    started = time.process_time()
    with suppress(SpecError):
        scan(Text("x.json", text))
    assert time.process_time() - started < 1
