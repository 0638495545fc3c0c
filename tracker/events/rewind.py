"""Back to what was committed: the one way to go on that every reader of event files understands.

`purge_step` is honoured by one of TensorBoard's three readers; a file that ends where the
checkpoint says it ended is read alike by all.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tracker.errors import Damaged
from tracker.events.reader import event_files
from tracker.events.writer import truncate


def rewind(directory: Path, committed: Mapping[str, int], lost: Path) -> list[Path]:
    """Cut the event files in `directory` back to their `committed` lengths in bytes.

    Files that nobody committed are moved into `lost`, under names TensorBoard does not take for
    event files; returns where they are now. Killed halfway, doing it again does the rest. Raises
    `Damaged`, with nothing changed, where a committed file is missing or too short.
    """
    for name, length in committed.items():
        path = directory / name
        if path.name != name or not path.is_file() or path.stat().st_size < length:
            raise Damaged(
                f"{path}: {length} bytes were committed and are not there; "
                "restore it from a copy, or start anew with --again"
            )
    for name, length in committed.items():
        truncate(directory / name, length)
    return [_set_aside(path, lost) for path in event_files(directory) if path.name not in committed]


def _set_aside(path: Path, lost: Path) -> Path:
    lost.mkdir(exist_ok=True)
    name = path.name.replace("tfevents", "events")
    target = next(
        place
        for number in range(1, 1_000_000)
        if not (place := lost / f"{number:03d}-{name}").exists()
    )
    return path.replace(target)
