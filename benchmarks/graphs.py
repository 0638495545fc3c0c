"""What it takes to draw a network and its weights: beside `SummaryWriter`'s own ways.

    python -m benchmarks.graphs [--backbone NAME] [--repeats R] [--json FILE]

In one process by turns, with a rest before each: the network's graph for one picture of 32 × 32,
and a histogram of every parameter. Each is timed until it is in the file, and the file's length is
what it is large.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter

from benchmarks.measure import Row, machine, middle, parser, report
from tracker.models.build import build
from tracker.record.tensorboard import RunWriter
from tracker.spec.load import from_document

SIZE = 32
# Seconds. The threads that `add_histogram` computes with go on looking for work for a tenth of one
# and take the cores from whoever is next.
REST = 0.3


class Round(NamedTuple):
    """Seconds until all was written, and its bytes."""

    seconds: float
    size: int


def _our_graph(place: Path, model: nn.Module) -> None:
    with RunWriter(place, warn=_refuse) as writer:
        writer.graph(model, SIZE)


def _their_graph(place: Path, model: nn.Module) -> None:
    with SummaryWriter(str(place)) as writer:
        writer.add_graph(model, torch.zeros(1, 3, SIZE, SIZE))


def _our_histograms(place: Path, model: nn.Module) -> None:
    with RunWriter(place, warn=_refuse) as writer:
        writer.histograms(0, dict(model.named_parameters()))


def _their_histograms(place: Path, model: nn.Module) -> None:
    with SummaryWriter(str(place)) as writer:
        for name, parameter in model.named_parameters():
            writer.add_histogram(name, parameter, 0)


WAYS: dict[str, dict[str, Callable[[Path, nn.Module], None]]] = {
    "graph": {"tracker": _our_graph, "add_graph": _their_graph},
    "histograms": {"tracker": _our_histograms, "add_histogram": _their_histograms},
}


def _refuse(what: str) -> None:
    raise SystemExit(what)


def measure(draw: Callable[[Path, nn.Module], None], model: nn.Module) -> Round:
    """Draw once, into a fresh directory, when the one before has come to rest."""
    with TemporaryDirectory() as folder:
        time.sleep(REST)
        begin = time.perf_counter()
        draw(Path(folder), model)
        seconds = time.perf_counter() - begin
        return Round(seconds, sum(path.stat().st_size for path in Path(folder).iterdir()))


def main() -> None:
    """Measure, print, and keep the result."""
    arguments = parser(__doc__)
    arguments.add_argument("--backbone", default="resnet50")
    given = arguments.parse_args()
    warnings.simplefilter("ignore")  # torch deprecates what add_graph is made of
    spec = from_document({"name": "x", "model": {"backbone": given.backbone}}).model
    model = build(spec, num_classes=10, seed=0, image_size=SIZE)
    rows: list[Row] = []
    for what, ways in WAYS.items():
        for draw in ways.values():
            measure(draw, model)  # libraries load
        rounds = [
            {way: measure(draw, model) for way, draw in ways.items()} for _ in range(given.repeats)
        ]
        for way in ways:
            found = [one[way] for one in rounds]
            ratio = median(one[way].seconds / one["tracker"].seconds for one in rounds)
            rows.append(
                {
                    "what": what,
                    "way": way,
                    **middle("ms", [one.seconds for one in found], 1e3),
                    "KB": found[0].size / 1000,
                    "time / ours": ratio,
                    "bytes / ours": found[0].size / rounds[0]["tracker"].size,
                }
            )
    about = machine("torch", "tensorboard", "numpy")
    about["threads"] = torch.get_num_threads()
    report(f"The graph and the histograms of {given.backbone}", rows, about, given.json)


if __name__ == "__main__":
    main()
