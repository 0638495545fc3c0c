"""Put kept results into benchmarks/README.md, below its line `<!-- results -->`.

    python -m benchmarks.tell FILE…

The files are what `--json` wrote, in the order in which they are to stand.
"""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path
from typing import Any

from benchmarks.measure import cell

PAGE = Path(__file__).with_name("README.md")
MARK = "<!-- results -->\n"


def told(found: dict[str, Any]) -> str:
    """A result as Markdown: its title, what measured it, its table."""
    about, rows = found["about"], found["rows"]
    names = list(rows[0])
    form = ["---" if isinstance(rows[0][name], str) else "---:" for name in names]
    lines = [names, form, *([cell(row[name]) for name in names] for row in rows)]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    packages = ", ".join(f"{name} {number}" for name, number in about["packages"].items())
    remarks = "".join(
        f"\n{remark[:1].upper()}{remark[1:]}.\n" for remark in about.get("remarks", ())
    )
    return (
        f"### {found['title']}\n\n{table}\n{remarks}\n"
        f"`{_command(about['command'])}`, commit {about['commit']}, {about['time'][:16]} UTC; "
        f"{about['processor']}, {about['cores']} cores, load {about['load']:.1f}, "
        f"Python {about['python']}; {packages}.\n"
    )


def _command(words: list[str]) -> str:
    """As a person would type it: without the path of Python, and of the file that was kept."""
    kept = words[1:]
    if "--json" in kept:
        at = kept.index("--json")
        kept = kept[:at] + kept[at + 2 :]
    return shlex.join(["python", *kept])


def main() -> None:
    """Write the page anew."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("files", nargs="+", type=Path)
    given = arguments.parse_args()
    head, mark, _ = PAGE.read_text().partition(MARK)
    if not mark:
        raise SystemExit(f"{PAGE} has no line {MARK.strip()}")
    results = [told(json.loads(file.read_text())) for file in given.files]
    PAGE.write_text(head + MARK + "\n" + "\n".join(results))


if __name__ == "__main__":
    main()
