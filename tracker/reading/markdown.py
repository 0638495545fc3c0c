"""Strings and tables as Markdown that GitHub shows as they are: nothing in them is markup."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tracker.errors import printable
from tracker.reading.table import Table

_BREAK = "&#8203;"  # a space of no width: what it parts is no address, mention or formula
# GitHub makes links of @name, #1, GH-1, https: and www. in any text, whatever is escaped by a
# backslash: it looks for them after Markdown is done. So do :emoji: and, before, $formulas$.
_LINKED = re.compile(r"@|#(?=\d)|\bGH-(?=\d)|:(?=[a-z/+-])|\bwww(?=\.)", re.IGNORECASE)
_MARKUP = re.compile(r"[\\`*_\[\]|~]")
_BEGINNING = re.compile(r"^(\s*)(?:([-+#=])|(\d+)([.)]))")  # of a heading, a list, a line


def escaped(text: str) -> str:
    """`text` as one line that Markdown, HTML and GitHub's links leave as it is."""
    text = _MARKUP.sub(r"\\\g<0>", printable(text))
    text = _BEGINNING.sub(r"\1\3\\\2\4", text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = _LINKED.sub(rf"\g<0>{_BREAK}", text)
    return text.replace("$", f"{_BREAK}${_BREAK}")


def markdown_table(table: Table) -> Iterator[str]:
    """The lines of `table` as GitHub's Markdown draws it, its cells escaped."""
    yield "| " + " | ".join(map(escaped, table.titles)) + " |"
    sides = ("---:" if table.is_number(at) else "---" for at in range(len(table.titles)))
    yield f"|{'|'.join(sides)}|"
    for row in table.rows:
        yield "| " + " | ".join(map(escaped, row)) + " |"
