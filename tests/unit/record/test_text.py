"""Seen as a person sees it: through the Markdown and the sanitiser of TensorBoard itself."""

from __future__ import annotations

import json
import warnings
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.record import text
from tracker.record.text import diff_block, fence, flat, json_block, table

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # an old html5lib is inside
    from tensorboard.plugin_util import markdown_to_safe_html


class Page(HTMLParser):
    """The words in each cell, the words in each code block, and the kinds of tags there are."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.cells: list[list[str]] = []
        self.code: list[str] = []
        self.tags: set[str] = set()
        self._open: list[str] = []
        self.feed(markdown_to_safe_html(markdown))

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        self._open.append(tag)
        if tag == "tr":
            self.cells.append([])
        elif tag in ("td", "th"):
            self.cells[-1].append("")
        elif tag == "code":
            self.code.append("")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in ("td", "th"):
            self.cells[-1][-1] += data
        elif self._open and self._open[-1] == "code":
            self.code[-1] += data


# All but what no page can show: control characters (blanks aside) and halves of characters.
shown = st.characters(exclude_categories=("Cc", "Cs"), include_characters="\n\t\r")
nasty = st.sampled_from(
    ["|", "\\|", "`", "```", "**", "__", "<b>", "&lt;", "\n", "[a](b)", "![", "$", " | "]
)
words = st.lists(st.one_of(st.text(shown, max_size=6), nasty), max_size=6).map("".join)


@given(st.dictionaries(words.filter(str.strip), words, min_size=1, max_size=4))
def test_a_cell_shows_exactly_its_text_and_never_breaks_the_table(facts: dict[str, str]) -> None:
    page = Page(table(facts, ("field", "value")))
    wanted = [[" ".join(name.split()), " ".join(value.split())] for name, value in facts.items()]
    assert page.cells == [["field", "value"], *wanted]
    assert page.tags == {"table", "thead", "tbody", "tr", "th", "td"}


def test_values_of_every_kind() -> None:
    facts = {"a": {"b": None, "c": {"d": True}}, "e": [1, "x"], "f": (), "g": 1e-4, "h": ""}
    assert Page(table(facts, ("n", "v"))).cells[1:] == [
        ["a.b", "–"],
        ["a.c.d", "True"],
        ["e", "1, x"],
        ["f", ""],
        ["g", "0.0001"],
        ["h", ""],
    ]


@given(words)
def test_nothing_in_a_fence_can_close_it(inside: str) -> None:
    page = Page(f"{fence(inside, 'diff')}\n\nafterwards")
    assert len(page.code) == 1
    lines = inside.replace("\r\n", "\n").replace("\r", "\n").expandtabs(4)
    assert page.code[0].rstrip() == lines.rstrip()  # white space alone is dropped


def test_json_is_shown_as_it_is_and_can_be_copied() -> None:
    document = {"name": "Größe <b>", "list": [1, None, True], "empty": {}}
    [code] = Page(json_block(document)).code
    assert json.loads(code) == document
    assert "Größe" in code


def test_a_diff_is_shown_whole_up_to_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "DIFF_LIMIT", 20)
    assert Page(diff_block("+" * 20)).code == ["+" * 20 + "\n"]
    cut = diff_block("+" * 1254)
    assert Page(cut).code == ["+" * 20 + "\n", "code.patch"]
    assert cut.endswith("… 1,234 more characters in `code.patch` of the run directory")


def test_flat_keeps_the_order_and_leaves_no_mapping() -> None:
    assert list(flat({"b": 1, "a": {"z": 2, "y": {}, "x": {"w": 3}}})) == [
        ("b", 1),
        ("a.z", 2),
        ("a.x.w", 3),
    ]
