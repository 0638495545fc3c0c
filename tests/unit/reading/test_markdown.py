"""Whatever a file calls itself, GitHub shows it as text."""

import html
import re

import pytest

from tracker.reading.markdown import escaped, markdown_table
from tracker.reading.table import Table

_BREAK = "\u200b"
# What GitHub makes a link, a mention or a formula of after, or before, Markdown is done.
_TAKEN_UP = re.compile(
    r"https?://|\bwww\.\w|@\w|#\d|\bGH-\d|:\w+:|(?:^|\s)\$\S|mailto:\w", re.IGNORECASE
)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "https://evil.example/a",
            "see http://a.b",
            "www.evil.example",
            "@octocat",
            "a@b.example",
        ),
        *("#1", "owner/repo#12", "GH-12", "$x$", "$x^2$ and $y$", ":tada:", "mailto:a@b.c"),
    ],
)
def test_nothing_is_a_link_a_mention_or_a_formula(text: str) -> None:
    shown = html.unescape(escaped(text))
    assert not _TAKEN_UP.search(shown)
    assert re.sub(r"\\(?=[_#])", "", shown).replace(_BREAK, "") == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("_it_", r"\_it\_"),
        ("*b* `c` [d](e) |f| ~g~", r"\*b\* \`c\` \[d\](e) \|f\| \~g\~"),
        ("<b> & >", "&lt;b&gt; &amp; &gt;"),
        ("a\nb", r"a\\nb"),
        ("# no heading", r"\# no heading"),
        ("1. no list", r"1\. no list"),
        ("- nor this", r"\- nor this"),
        ("lr=0.1, seed 3: 0.5", "lr=0.1, seed 3: 0.5"),
        ("resnet50 - 12:30", "resnet50 - 12:30"),
    ],
)
def test_markup_is_written_out(text: str, written: str) -> None:
    assert escaped(text) == written


def test_a_table_says_which_columns_are_numbers() -> None:
    table = Table(("a|b", "n"), [("x", "1")])
    assert list(markdown_table(table)) == [r"| a\|b | n |", "|---|---:|", "| x | 1 |"]
