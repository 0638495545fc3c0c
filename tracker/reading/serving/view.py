"""A folder of links for TensorBoard to read: just the runs asked for, under short names, and live.

Not under `runs/`: TensorBoard walks hidden folders too and follows links, so that beside a plain
`tensorboard --logdir runs` every run would stand there twice.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

PREFIX = "tracker-view-"


class View:
    """Links to folders of `root`: those named, or with none named every experiment, now and later.

    A name is a path under the root with "/" between its parts: an experiment, a variant or a run.
    What comes or goes inside a linked folder shows by itself. `logdir`, which TensorBoard is given,
    has a new name each time. A context manager: at the end the links go, what they point to stays.
    Raises OSError where `root` may not be read.
    """

    def __init__(self, root: Path, names: Sequence[str] = ()) -> None:
        self._root = root.resolve()
        self._names = [
            name
            for name in dict.fromkeys(names)
            if not any(name.startswith(f"{other}/") for other in names)  # no link inside a link
        ]
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
        whole = [f"{name}/" for name in self._names] == [_prefix(names)]
        self.logdir = self.path / self._names[0] if whole else self.path
        self._strip = "" if whole else _prefix(names)
        try:
            self.refresh()
        except BaseException:
            remove(self.path)
            raise

    def refresh(self) -> None:
        """Link experiments that came since, unlink those that went. Raises OSError."""
        wanted = self._names or _experiments(self._root)
        for name in wanted:
            link = self.path / name.removeprefix(self._strip)
            if not link.is_symlink():
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(self._root / name, target_is_directory=True)
        if not self._names:
            for link in self.path.iterdir():
                if link.name not in wanted:
                    link.unlink()

    def __enter__(self) -> View:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        remove(self.path)


def name_in(names: Sequence[str], run: str) -> str | None:
    """What TensorBoard calls a run in a view of these names; None if it does not show it."""
    shown = not names or any(f"{run}/".startswith(f"{name}/") for name in names)
    return run.removeprefix(_prefix(names)) if shown else None


def remove(path: Path) -> None:
    """Remove a view's links and folders, and nothing else that may have got there."""
    for folder, folders, files in os.walk(path, topdown=False):
        for name in (*folders, *files):
            entry = Path(folder, name)
            if entry.is_symlink():
                entry.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # not empty: something that is not ours stays
            Path(folder).rmdir()


def _prefix(names: Sequence[str]) -> str:
    """What a name can do without: the experiment, if there is but one. TensorBoard cuts names."""
    experiments = {name.split("/")[0] for name in names}
    return f"{experiments.pop()}/" if len(experiments) == 1 else ""


def _experiments(root: Path) -> list[str]:
    with os.scandir(root) as entries:
        # Not entry.is_dir(): of a link that leads in a circle it raises, and of one entry all fail.
        return [
            entry.name
            for entry in entries
            if not entry.name.startswith(".") and os.path.isdir(entry)  # noqa: PTH112
        ]
