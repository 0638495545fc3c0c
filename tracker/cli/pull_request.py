"""A report as Markdown: what a pull request needs to hold, and what it can fold away."""

from __future__ import annotations

from collections.abc import Iterator

from tracker.errors import printable
from tracker.reading.comparison.result import Comparison
from tracker.reading.comparison.tables import markdown
from tracker.reading.markdown import escaped, markdown_table
from tracker.reading.report.origins import Origins, origins
from tracker.reading.report.settings import Asked, asked
from tracker.reading.table import Table


def pull_request(comparison: Comparison, command: str) -> str:
    """The comparison, then its settings, and folded the origin of its numbers.

    `command` makes the report. Every string of a file is escaped: none can be a link, a picture or
    HTML.
    """
    lines = [
        markdown(comparison),
        "",
        *_settings(asked(comparison)),
        "",
        *_origin(origins(comparison), command),
    ]
    return "\n".join(lines) + "\n"


def _settings(found: Asked) -> Iterator[str]:
    if not found.paths:
        yield "All runs were asked the same, but for the seed."
        return
    titles = ["group", *found.paths]
    rows = [(name, *values) for name, values in found.groups]
    yield "settings that differ:"
    yield ""
    yield from markdown_table(Table(titles, rows, words=len(titles)))


def _origin(found: Origins, command: str) -> Iterator[str]:
    yield "<details><summary>Where these numbers come from, and how to make them again</summary>"
    yield ""
    rows = [
        (fact.name, f"{value} ({runs})" if runs else value)
        for fact in found.facts
        for value, runs in fact.values
    ]
    yield from markdown_table(Table(["", ""], rows, words=2))
    for note in found.notes:
        yield from ("", escaped(note))
    for step in found.steps:
        yield from ("", f"{escaped(step.what)}:", "", *_code(step.lines))
    yield from ("", "makes this report:", "", *_code([command]))
    yield from ("", "</details>")


def _code(lines: list[str] | tuple[str, ...]) -> Iterator[str]:
    """A block of code whose fence is longer than any in it."""
    text = [printable(line) for line in lines]
    fence = "```"
    while any(fence in line for line in text):
        fence += "`"
    yield from (f"{fence}sh", *text, fence)
