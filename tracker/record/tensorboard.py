"""The one place that names SummaryWriter: everything a run shows is written here."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, SupportsFloat

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.plugins.histogram import metadata as histogram_metadata
from tensorboard.plugins.image import metadata as image_metadata
from tensorboard.plugins.pr_curve import metadata as pr_metadata
from tensorboard.plugins.text import metadata as text_metadata
from torch import Tensor, nn
from torch.utils.tensorboard import FileWriter, SummaryWriter

from tracker import tags
from tracker.errors import printable
from tracker.events.reader import event_files
from tracker.events.writer import EventWriter
from tracker.record import hparams, protos, records
from tracker.record.graph import graph_of
from tracker.record.histogram import histogram
from tracker.record.layout import LAYOUT
from tracker.record.pictures import Picture
from tracker.record.precision_recall import THRESHOLDS, precision_recall
from tracker.spec.experiment import Experiment

# A fifth less time than zlib's default level 6, for files a few per cent larger.
PNG_LEVEL = 1


_P = ParamSpec("_P")


class RunWriter(SummaryWriter):
    """A SummaryWriter without queue or thread: what was written is with the kernel on return.

    It writes one event file into `directory`, which must exist. The steps of a tag must rise from
    call to call, else ValueError; a full disk is an OSError in the call that met it. All that
    SummaryWriter has is here too; of that, `add_scalars` and `add_hparams` open runs of their own
    below this one, with torch's own writers. Owns its file: close it, or use it as a context
    manager. `warn` is told, in one line each, what could not be drawn: no run ends for a picture.
    """

    def __init__(self, directory: Path, *, warn: Callable[[str], None]) -> None:
        self._earlier = {path.name: path.stat().st_size for path in event_files(directory)}
        self._events = EventWriter(directory, describe=tags.MEANINGS)
        self._warn = warn
        self._introduced: set[str] = set()  # tags with a value, and so with their metadata
        self._missing: set[str] = set()  # what could not be drawn
        super().__init__(str(directory))

    def scalars(self, step: int, values: Mapping[str, SupportsFloat]) -> None:
        """Write `values` (tag → number) at `step` as one event; a few microseconds."""
        self._events.scalars(step, values)

    def picture(
        self, tag: str, step: int, draw: Callable[_P, Picture], *args: _P.args, **kwargs: _P.kwargs
    ) -> None:
        """Write what `draw` makes of its arguments, as a PNG: the same pixels, the same bytes.

        Where `draw` fails nothing is written, and `warn` is told, once for each tag.
        """
        try:
            image = draw(*args, **kwargs)
            height, width, _ = image.shape
            png = io.BytesIO()
            Image.fromarray(image).save(png, "PNG", compress_level=PNG_LEVEL)
        except Exception as error:  # noqa: BLE001 - a run is worth more than its picture
            self._undrawn(tag, error)
            return
        strings = [str(width).encode(), str(height).encode(), png.getvalue()]
        self._write(tag, step, protos.strings(strings), image_metadata.create_summary_metadata)

    def text(self, tag: str, markdown: str) -> None:
        """Write `markdown` at step 0. Once for a tag."""
        tensor = protos.string(markdown.encode(errors="replace"))
        self._write(tag, 0, tensor, text_metadata.create_summary_metadata)

    def histograms(self, step: int, tensors: Mapping[str, Tensor]) -> None:
        """Write how the finite numbers of each tensor are spread, by tag; those without any not.

        In float32, which tensors mostly are: counts beyond 2**24 are rounded.
        """
        describe = histogram_metadata.create_summary_metadata
        found = {tag: histogram(values) for tag, values in tensors.items()}
        bins = {tag: one.astype(np.float32) for tag, one in found.items() if one is not None}
        self._write_all(step, bins, describe)

    def curves(self, step: int, scored: Mapping[str, tuple[Tensor, Tensor]]) -> None:
        """Write the `precision_recall` of each (scores, truth), by tag, where there is one."""
        describe = partial(pr_metadata.create_summary_metadata, num_thresholds=THRESHOLDS)
        self._write_all(
            step, {tag: precision_recall(*one) for tag, one in scored.items()}, describe
        )

    def numbers(self, tag: str, step: int, values: NDArray[Any]) -> None:
        """Write an array of numbers for `events.tensors` to read; no tab shows it."""
        self._summary(Summary(value=[records.numbers(tag, values)]), step)

    def files(self, tag: str, step: int, contents: Sequence[bytes]) -> None:
        """Write whole files (PNG) for `events.tensors` to read; no tab shows them."""
        self._summary(Summary(value=[records.files(tag, contents)]), step)

    def graph(self, model: nn.Module, image_size: int) -> None:
        """Draw `model` for one picture [1, 3, image_size, image_size]; warn where that fails."""
        try:
            drawn = graph_of(model, image_size)
        except Exception as error:  # noqa: BLE001 - a run is worth more than its picture
            self._undrawn("the model's graph", error)
            return
        self._events.event(Event(wall_time=time.time(), graph_def=drawn.SerializeToString()))

    def hparams(self, experiment: Experiment) -> None:
        """Enter the run, with what was asked of it, into the HParams table."""
        self._summary(hparams.started(experiment))

    def finish_hparams(self) -> None:
        """Mark the run as succeeded there. Failure is never said: resuming could not unsay it."""
        self._summary(hparams.succeeded())

    def layout(self) -> None:
        """Lay out the Custom Scalars page: training and validation in one chart."""
        self.add_custom_scalars(LAYOUT)

    def commit(self) -> dict[str, int]:
        """Wait until all is on the disk; return each event file's name and its length in bytes.

        The files of the attempts before, from which this one goes on, are among them.
        """
        self._events.sync()
        return {**self._earlier, self._events.path.name: self._events.position}

    def _undrawn(self, what: str, error: Exception) -> None:
        if what not in self._missing:
            self._missing.add(what)
            reason = printable(str(error).strip().partition("\n")[0])[:200]
            self._warn(f"{what} could not be drawn: {type(error).__name__}: {reason}")

    def _get_file_writer(self) -> FileWriter:
        # What SummaryWriter calls for every one of its own methods.
        writer: FileWriter | None = self.file_writer
        if writer is None:
            writer = _Adapter(self._events)
            self.file_writer = writer  # type: ignore[assignment]  # torch seems to say: None
            self.all_writers = {self.log_dir: writer}  # type: ignore[assignment]
        return writer

    def _write(
        self, tag: str, step: int, tensor: TensorProto, metadata: Callable[..., SummaryMetadata]
    ) -> None:
        self._summary(Summary(value=[self._value(tag, tensor, metadata)]), step)
        self._introduced.add(tag)

    def _write_all(
        self,
        step: int,
        arrays: Mapping[str, NDArray[Any] | None],
        metadata: Callable[..., SummaryMetadata],
    ) -> None:
        """Write the arrays there are as one event."""
        values = {
            tag: self._value(tag, protos.numbers(array), metadata)
            for tag, array in arrays.items()
            if array is not None
        }
        if values:
            self._summary(Summary(value=values.values()), step)
            self._introduced.update(values)

    def _value(
        self, tag: str, tensor: TensorProto, metadata: Callable[..., SummaryMetadata]
    ) -> Summary.Value:
        """Return a tensor under its tag. Its metadata stands on the tag's first value only."""
        value = Summary.Value(tag=tag, tensor=tensor)
        if tag not in self._introduced:
            title, description = tags.meaning(tag)
            value.metadata.CopyFrom(metadata(display_name=title, description=description))
        return value

    def _summary(self, summary: Any, step: int = 0) -> None:
        self._events.event(Event(wall_time=time.time(), step=step, summary=summary))


class _Adapter(FileWriter):
    """torch's FileWriter, with ours beneath it in place of the one with a queue and a thread."""

    def __init__(self, events: EventWriter) -> None:
        self.event_writer = _EventWriter(events)


class _EventWriter:
    """The face FileWriter expects of TensorBoard's EventFileWriter."""

    def __init__(self, events: EventWriter) -> None:
        self._events = events

    def get_logdir(self) -> str:
        return str(self._events.path.parent)

    def add_event(self, event: Event) -> None:
        self._events.event(event)

    def flush(self) -> None:
        self._events.flush()

    def close(self) -> None:
        self._events.close()
