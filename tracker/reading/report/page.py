"""The report as one HTML file: nothing is fetched, and of what is in it only our script may run."""

from __future__ import annotations

import base64
import hashlib
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tracker.reading.report.report import Report

_PACKAGE = "tracker.reading.report"
COLOURS, DASHES = 8, 4
# What a verdict comes to, so that no one needs to see colours.
MARKS = {
    "better": "▲",
    "worse": "▼",
    "indistinguishable": "≈",
    "unknown": "?",
    "incomparable": "⊘",
}


def html(report: Report) -> str:
    """The page. Every string that came from a file is escaped where it is put in."""
    environment = _environment()
    style, script = (_asset(name) for name in ("style.css", "script.js"))
    return environment.get_template("report.html").render(
        report=report,
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        plots=[plot.document(report.names) for plot in report.plots],
        marks=MARKS,
    )


def look(number: int) -> str:
    """The classes that give a group its colour and dashes: 32 looks, so that 20 groups differ."""
    return f"c{number % COLOURS} d{(number + number // COLOURS) % DASHES}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals["look"] = look
    return environment


def _asset(name: str) -> str:
    """The text of a file beside the templates, as it stands: it is no template."""
    loader = _environment().loader
    assert loader is not None
    return loader.get_source(_environment(), name)[0]
