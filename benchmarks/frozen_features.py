"""What does it save to run a frozen backbone once? Beside the same run with caching off.

    python -m benchmarks.frozen_features [--backbone NAME] [--pictures N] [--json FILE]

Whole runs of a frozen network whose head learns, on the CPU, in one process by turns: `whole` sends
every batch through all of it (`training.cache_features: false`), `kept` is what a spec gets without
asking. What is timed is each epoch's training, from its first batch to its last, without the
evaluation and the pages after it: `first` is the first epoch, `later` the median of those in which
no picture is new: without augmentation all but the first, where pictures are mirrored all
but the first two. The curves of both ways are compared number by number.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from unittest.mock import patch

os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # as `settle_libraries`, before torch is there

import numpy as np

from benchmarks.measure import Row, machine, middle, parser, report
from tracker import tags
from tracker.cli.settle import settle_libraries
from tracker.events.reader import read_scalars
from tracker.launch import here
from tracker.launch.plan import choose, jobs_of
from tracker.training import loop

WAYS = {"whole": False, "kept": "auto"}


class Round(NamedTuple):
    """Of a run: seconds of each epoch's training, and the values of its curves, by tag."""

    epochs: list[float]
    curves: dict[str, Any]


def measure(document: dict[str, Any]) -> Round:
    """Train once, in a fresh directory."""
    seconds, train_epoch = [], loop._train_epoch

    def timed(*arguments: Any) -> None:
        begin = time.perf_counter()
        train_epoch(*arguments)
        seconds.append(time.perf_counter() - begin)

    with TemporaryDirectory() as directory, patch.object(loop, "_train_epoch", timed):
        spec, root = Path(directory) / "frozen.json", Path(directory) / "runs"
        spec.write_text(json.dumps(document))
        jobs = choose(jobs_of(spec, root), "refuse")
        [outcome] = here.execute(jobs, root=root, argv=[], watch=lambda _: None, say=lambda _: None)
        if outcome.failure or outcome.run is None:
            raise RuntimeError(outcome.failure)
        series = read_scalars(outcome.run.path).series
    learned = {tag: one.values for tag, one in series.items() if tag not in tags.INCIDENTAL}
    return Round(seconds, learned)


def main() -> None:
    """Measure, print, and keep the result."""
    arguments = parser(__doc__)
    arguments.add_argument("--backbone", default="resnet50")
    arguments.add_argument("--pictures", type=int, default=1000)
    arguments.add_argument("--batch-size", type=int, default=16)
    arguments.add_argument("--epochs", type=int, default=5)
    arguments.add_argument("--precision", default="float32")
    given = arguments.parse_args()
    settle_libraries()
    rows: list[Row] = []
    for augment in ([], ["horizontal_flip"]):
        document = {
            "name": "frozen",
            "data": {
                "name": "shapes",
                "train_size": given.pictures,
                "val_size": 100,
                "augment": augment,
            },
            "model": {"backbone": given.backbone, "freeze": "backbone"},
            "training": {
                "epochs": given.epochs,
                "batch_size": given.batch_size,
                "device": "cpu",
                "precision": given.precision,
            },
            "logging": {"scalars_every": 10},
        }
        rows += compare(document, given.repeats, 1 + len(augment))
    about = machine("torch", "torchvision", "numpy")
    title = f"{given.backbone}, frozen, {given.pictures:,} pictures, batches of {given.batch_size}"
    report(title, rows, about, given.json)


def compare(document: dict[str, Any], repeats: int, views: int) -> list[Row]:
    """Let the two ways take turns; in the first `views` epochs pictures are still new."""
    training = document["training"]
    rounds: dict[str, list[Round]] = {way: [] for way in WAYS}
    for _ in range(repeats):
        for way, cached in WAYS.items():
            changed = {**document, "training": {**training, "cache_features": cached}}
            rounds[way].append(measure(changed))
    later = {way: [median(one.epochs[views:]) for one in found] for way, found in rounds.items()}
    ratios = [whole / kept for whole, kept in zip(later["whole"], later["kept"], strict=True)]
    return [
        {
            "augment": ", ".join(document["data"]["augment"]) or "none",
            "features": way,
            "first s": median(one.epochs[0] for one in found),
            **middle("later s", later[way]),
            "ratio": median(ratios) if way == "kept" else 1.0,
            "all s": median(sum(one.epochs) for one in found),
            "largest difference": difference(found, rounds["whole"]),
        }
        for way, found in rounds.items()
    ]


def difference(found: list[Round], plain: list[Round]) -> float:
    """The largest difference of any point of any curve."""
    return max(
        float(np.abs(one.curves[tag] - other.curves[tag]).max())
        for one, other in zip(found, plain, strict=True)
        for tag in other.curves
    )


if __name__ == "__main__":
    main()
