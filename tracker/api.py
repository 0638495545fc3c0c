"""Runs from Python: for a notebook, a script, a test of one's own.

    import tracker

    runs = tracker.open_runs("quickstart")
    runs[0].scalars("accuracy/val").values      # a NumPy array
    runs.frame("accuracy/val")                  # a pandas DataFrame, where pandas is installed
    tracker.compare("quickstart")               # the answer; a notebook shows its tables
    tracker.notebook("quickstart")              # TensorBoard, in the notebook
    tracker.load("quickstart/resnet20/s0")      # what it learned, as a PyTorch module

Nothing here imports torch but `load`, writes a file or prints; `notebook` alone starts a process.
Errors are those of `tracker.errors`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from tracker.errors import NoSuchRun, UsageError, printable
from tracker.events.reader import Series, read_scalars
from tracker.reading.comparison.as_of import compare_at
from tracker.reading.comparison.document import to_document
from tracker.reading.comparison.result import Comparison, Value
from tracker.reading.comparison.tables import notes, plain_text, tables
from tracker.reading.comparison.words import question, sentences
from tracker.reading.evaluations import Evaluations, evaluations
from tracker.reading.export import require
from tracker.reading.listing import listed
from tracker.reading.selection import chosen
from tracker.reading.serving.notebook import Inline, inline
from tracker.reading.table import Table
from tracker.spec.words import nearest
from tracker.store import index
from tracker.store.index import RunRecord, list_runs
from tracker.store.status import utc_now

if TYPE_CHECKING:
    import pandas as pd

    from tracker.trained.network import Device, Network, Which


class OpenRun:
    """One run: `record` is what `tracker ls` knows of it, read when it was opened."""

    def __init__(self, record: RunRecord) -> None:
        self.record = record

    @property
    def id(self) -> str:
        """The run's name: experiment/variant/s<seed>."""
        return self.record.id

    @property
    def path(self) -> Path:
        """The run's directory."""
        return self.record.run.path

    @overload
    def scalars(self, tag: str) -> Series: ...
    @overload
    def scalars(self, tag: None = None) -> dict[str, Series]: ...
    def scalars(self, tag: str | None = None) -> Series | dict[str, Series]:
        """The points of `tag`, or of every tag by its name, as they are in the event files now.

        A Series holds `steps` int64 [N], `wall_times` float64 [N] (seconds since the epoch) and
        `values` float64 [N]. Raises UsageError for a tag that the run does not have.
        """
        series = read_scalars(self.path).series
        if tag is None:
            return series
        if tag not in series:
            near = nearest(tag, series)
            hint = f"; did you mean {near}?" if near else ""
            raise UsageError(f"{self.id} has no scalar {printable(tag)!r}{hint}")
        return series[tag]

    def evaluations(self) -> Evaluations:
        """The confusion matrices and predictions behind the run's pictures; empty without any."""
        return evaluations(self.record.run)

    def __repr__(self) -> str:
        return f"<run {self.id}: {self.record.state}>"

    def _repr_html_(self) -> str:
        return _html(listed([self.record], utc_now()))


class Runs(Sequence[OpenRun]):
    """Some runs, in order of experiment, variant, seed and attempt."""

    def __init__(self, records: Iterable[RunRecord]) -> None:
        self._runs = [OpenRun(record) for record in records]

    @overload
    def __getitem__(self, at: int) -> OpenRun: ...
    @overload
    def __getitem__(self, at: slice) -> Runs: ...
    def __getitem__(self, at: int | slice) -> OpenRun | Runs:
        if isinstance(at, slice):
            return Runs(run.record for run in self._runs[at])
        return self._runs[at]

    def __len__(self) -> int:
        return len(self._runs)

    def __iter__(self) -> Iterator[OpenRun]:
        return iter(self._runs)

    def scalars(self, tag: str) -> dict[str, Series]:
        """The points of `tag` by run; runs without it are left out."""
        found = {run.id: run.scalars() for run in self._runs}
        return {name: series[tag] for name, series in found.items() if tag in series}

    def frame(self, *tags: str) -> pd.DataFrame:
        """The points of `tags`, or of every tag, one per row: run, tag, step, wall_time, value.

        `run`, `experiment`, `variant` and `tag` are categories. Raises ImportError without pandas,
        and UsageError for a tag that no run has.
        """
        import pandas as pd

        require([run.record for run in self._runs], tags)
        parts = []
        for run in self._runs:
            for tag, series in run.scalars().items():
                if not tags or tag in tags:
                    points = {
                        "step": series.steps,
                        "wall_time": series.wall_times,
                        "value": series.values,
                    }
                    record = run.record
                    names = {
                        "run": run.id,
                        "experiment": record.experiment,
                        "variant": record.variant,
                        "seed": record.seed,
                        "tag": tag,
                    }
                    parts.append(pd.DataFrame({**names, **points}))
        columns = ["run", "experiment", "variant", "seed", "tag", "step", "wall_time", "value"]
        whole = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
        return whole.astype(dict.fromkeys(("run", "experiment", "variant", "tag"), "category"))

    def compare(
        self,
        *,
        by: str | Sequence[str] | None = None,
        metrics: str | Sequence[str] = (),
        value: Value = "last",
        reference: str | None = None,
        step: int | None = None,
    ) -> Answer:
        """These runs compared, asked as `tracker.compare` is."""
        return Answer(
            compare_at(
                [run.record for run in self._runs],
                step,
                by=None if by is None else _several(by),
                metrics=_several(metrics),
                value=value,
                reference=reference,
            )
        )

    def __repr__(self) -> str:
        return f"<{len(self)} runs: {', '.join(run.id for run in self._runs[:5])}" + (
            ", …>" if len(self) > 5 else ">"
        )

    def _repr_html_(self) -> str:
        return _html(listed([run.record for run in self._runs], utc_now()))


class Answer:
    """What a comparison found. In a notebook it shows itself as tables; `str` is the same in text.

    `comparison` holds every number, by group and metric.
    """

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison

    def to_document(self) -> dict[str, Any]:
        """The object of `tracker compare --json`."""
        return to_document(self.comparison)

    def __str__(self) -> str:
        return plain_text(self.comparison)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        found = self.comparison
        parts = [f"<p><b>{escape(question(found))}</b></p>"]
        parts += [f"<p>{escape(line)}.</p>" for line in sentences(found)]
        for title, table in tables(found):
            parts += [f"<p>{escape(printable(title))}</p>", _html(table)]
        parts += [f"<p>{escape(printable(line))}</p>" for line in notes(found)]
        return "\n".join(parts)


def open_runs(*refs: str, root: str | os.PathLike[str] | None = None) -> Runs:
    """The runs that `refs` name (experiments, variants, runs, @last), or all there are.

    `root` is the folder the runs live in, by default TRACKER_RUNS or "runs". Raises NoSuchRun, also
    where there is no such folder.
    """
    folder = _root(root)
    if not folder.is_dir():
        raise NoSuchRun(f"there is no folder {printable(str(folder))}; root= names another")
    return Runs(chosen(folder, refs) if refs else list_runs(folder))


def compare(
    *refs: str,
    root: str | os.PathLike[str] | None = None,
    by: str | Sequence[str] | None = None,
    metrics: str | Sequence[str] = (),
    value: Value = "last",
    reference: str | None = None,
    step: int | None = None,
) -> Answer:
    """Compare what `refs` name, or the experiment that ran last, as `tracker compare` does.

    `by` and `metrics` are one path or tag, or several; with `step` the runs are compared as they
    were there, unfinished ones too. Raises NotComparable, NoSuchRun, or UsageError for a path,
    metric, value or group that is not there.
    """
    runs = Runs(chosen(_root(root), refs))
    return runs.compare(by=by, metrics=metrics, value=value, reference=reference, step=step)


def notebook(*refs: str, root: str | os.PathLike[str] | None = None, height: int = 800) -> Inline:
    """TensorBoard with the runs that `refs` name, or all, as a frame of `height` pixels.

    What `tracker tensorboard` shows, for the last line of a notebook's cell. The server it starts
    ends with the kernel. Raises Unavailable where none can be had.
    """
    return inline(_root(root), refs, height=height)


def load(
    ref: str | os.PathLike[str] | OpenRun,
    *,
    root: str | os.PathLike[str] | None = None,
    checkpoint: Which = "best",
    device: Device = "auto",
) -> Network:
    """The network of the run that `ref` names or is, to ask it: `model`, `classes`, `preprocess`.

    From its best checkpoint, or its last; on a GPU where there is one. Raises NoSuchRun,
    UsageError for a run that was imported and for a checkpoint or device of another name,
    Unavailable where it has saved nothing, Damaged.
    """
    from tracker.trained.network import open_network  # torch is for those who ask for it

    if isinstance(ref, OpenRun):
        return open_network(ref.record.run, checkpoint, device)
    return open_network(index.find(_root(root), os.fspath(ref)), checkpoint, device)


def _several(names: str | Sequence[str]) -> tuple[str, ...]:
    """A single name is one, not its letters."""
    return (names,) if isinstance(names, str) else tuple(names)


def _root(root: str | os.PathLike[str] | None) -> Path:
    return Path(os.environ.get("TRACKER_RUNS") or "runs") if root is None else Path(root)


def _html(table: Table) -> str:
    """The table as HTML, every cell escaped."""
    rows = ["".join(f"<th>{escape(printable(title))}</th>" for title in table.titles)]
    for row in table.rows:
        cells = (
            f'<td style="text-align:{"right" if table.is_number(at) else "left"}">'
            f"{escape(printable(cell))}</td>"
            for at, cell in enumerate(row)
        )
        rows.append("".join(cells))
    return "<table>\n" + "\n".join(f"<tr>{row}</tr>" for row in rows) + "\n</table>"
