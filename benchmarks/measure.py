"""What all benchmarks share: who measured, and how a result is shown and kept."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

Row = dict[str, float | str]


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser that knows `--repeats` and `--json`."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--repeats", type=int, default=5, help="rounds; the median counts")
    made.add_argument("--json", type=Path, help="write the result, and what measured it, here")
    return made


def machine(*packages: str) -> dict[str, Any]:
    """Describe what measured: hardware, load, versions, commit, command and time."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parent,
    )  # fmt: skip
    return {
        "command": sys.orig_argv,
        "commit": commit.stdout.strip() or None,
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {package: version(package) for package in packages},
    }


def report(title: str, rows: list[Row], about: dict[str, Any], path: Path | None) -> None:
    """Print the rows as a table, and write all to `path` as JSON if there is one."""
    table = Table(title=title)
    for name, value in rows[0].items():
        table.add_column(name, justify="left" if isinstance(value, str) else "right")
    for row in rows:
        table.add_row(*map(_cell, row.values()))
    console = Console(width=110)
    console.print(table)
    packages = ", ".join(f"{name} {number}" for name, number in about["packages"].items())
    console.print(f"{about['processor']}, load {about['load']:.1f}; {packages}", highlight=False)
    if path is not None:
        path.write_text(json.dumps({"title": title, "rows": rows, "about": about}, indent=1) + "\n")


def _cell(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
