"""Back to what was committed: the one way to go on that every reader of event files understands.

`purge_step` is honoured by one of TensorBoard's three readers; a file that ends where the
checkpoint says it ended is read alike by all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from tracker.errors import Damaged, printable
from tracker.events.reader import event_files
from tracker.events.record import INFIX, Scan
from tracker.events.writer import truncate
from tracker.owned import refuse_strange, set_aside


def rewind(directory: Path, committed: Mapping[str, int], lost: Path) -> list[Path]:
    """Cut the event files in `directory` back to their `committed` lengths in bytes.

    Files that nobody committed are moved into `lost`, under names TensorBoard does not take for
    event files; returns where they are now. Killed halfway, doing it again does the rest. Raises
    `Damaged`, with nothing changed, as `check_there` does.
    """
    check_there(directory, committed)
    for name, length in committed.items():
        truncate(directory / name, length)
    return [
        set_aside(path, lost, path.name.replace(INFIX, "events"))
        for path in event_files(directory)
        if path.name not in committed
    ]


def check_there(directory: Path, committed: Mapping[str, int]) -> None:
    """Raise `Damaged` where a committed file is missing, too short, a link or no event file."""
    for name, length in committed.items():
        path = directory / name
        refuse_strange(path)
        is_own = path.name == name and INFIX in name
        if not is_own or not path.is_file() or path.stat().st_size < length:
            raise Damaged(
                f"{printable(str(path))}: {length} bytes were committed and are not there; "
                "restore it from a copy, or start anew with --again"
            )


def damages(directory: Path, committed: Mapping[str, int]) -> Iterator[str]:
    """Say, a line for each event file just cut back, from where on its records are damaged."""
    for name in committed:
        scan = Scan(directory / name)
        for _ in scan:
            pass
        report = scan.report
        if report.damage or report.torn:
            reason = report.damage.reason if report.damage else "half a record"
            yield f"{printable(name)} is damaged from byte {report.size:,} on ({reason})"
