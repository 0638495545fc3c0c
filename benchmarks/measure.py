"""What all benchmarks share: who measured, in how many rounds, and how a result is kept."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median, quantiles
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


def middle(name: str, values: Sequence[float], scale: float = 1.0) -> Row:
    """Three cells: the median under `name`, half the range of the middle half in % of it, and n."""
    found = median(values)
    return {name: found * scale, "± %": spread(values), "n": len(values)}


def spread(values: Sequence[float]) -> float:
    """Half of what the middle half of `values` (one at least) spans, in percent of the median."""
    if len(values) < 2:
        return 0.0
    low, _, high = quantiles(values, n=4, method="inclusive")
    return 50 * (high - low) / median(values)


def is_installed(package: str) -> bool:
    """Whether pip knows a package of this name here."""
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def child(
    module: str,
    *arguments: str,
    cwd: Path | None = None,
    environment: Mapping[str, str] = {},
    patience: float | None = None,
) -> Any:
    """What a module says in JSON on its last line, run in a fresh interpreter.

    So that no round inherits another's threads, settings or memory. Raises SystemExit with its last
    words where it fails, and TimeoutExpired, with the process gone, after `patience` seconds.
    """
    root = str(Path(__file__).parent.parent)
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        capture_output=True, text=True, check=False, cwd=cwd, timeout=patience,
        env={**os.environ, "PYTHONPATH": path, **environment},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{module} {' '.join(arguments)} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


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
        "packages": {package: version(package) for package in packages if is_installed(package)},
    }


def report(title: str, rows: list[Row], about: dict[str, Any], path: Path | None) -> None:
    """Print the rows as a table, and write all to `path` as JSON if there is one."""
    table = Table(title=title)
    for name, value in rows[0].items():
        table.add_column(name, justify="left" if isinstance(value, str) else "right")
    for row in rows:
        table.add_row(*(cell(row.get(name, "")) for name in rows[0]))
    console = Console(width=110)
    console.print(table)
    packages = ", ".join(f"{name} {number}" for name, number in about["packages"].items())
    console.print(f"{about['processor']}, load {about['load']:.1f}; {packages}", highlight=False)
    for remark in about.get("remarks", ()):
        console.print(remark, highlight=False)
    if path is not None:
        path.write_text(json.dumps({"title": title, "rows": rows, "about": about}, indent=1) + "\n")


def cell(value: float | str) -> str:
    """A value as the tables show it: to three digits, if it is below a hundred."""
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if value >= 100 or isinstance(value, int) else f"{value:.3g}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
