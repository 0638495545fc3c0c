"""Folders of many runs, without training any: what `ls` and `compare` read, as a run leaves it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from random import Random

from tracker.spec.load import from_document
from tracker.store import provenance
from tracker.store.active import ActiveRun
from tracker.store.summary import DataFacts, Improvement, Metric, Price, Summary

BACKBONES = ("resnet50", "se_resnet50")
EVALUATIONS = 6
STEPS = 300


def make(root: Path, count: int) -> None:
    """Make `count` finished runs of one experiment under `root`, half of them of each backbone.

    One is made in earnest, without training; the others are its files with another seed, backbone
    and result.
    """
    chance = Random(0)
    experiment = from_document({"name": "x", "model": {"backbone": BACKBONES[0]}})
    circumstances = provenance.collect(None, ["tracker", "run", "x.json"], patch=False)
    with ActiveRun.create(root, experiment, circumstances) as active:
        active.plan(STEPS)
        active.update(STEPS, 3.0, _summary(chance))
    first = active.run
    files = {path.name: path.read_bytes() for path in first.path.iterdir() if path.is_file()}
    document = json.loads(files[first.experiment_file.name])
    for number in range(1, count):
        backbone, seed = BACKBONES[number % 2], number // 2
        document |= {"seed": seed, "variant": backbone}
        document["model"]["backbone"] = backbone
        summary = _summary(chance).to_document(STEPS, 3.0)
        place = root / "x" / backbone / f"s{seed}"
        place.mkdir(parents=True)
        for name, content in files.items():
            (place / name).write_bytes(content)
        (place / first.experiment_file.name).write_text(json.dumps(document, indent=2))
        (place / first.summary_file.name).write_text(json.dumps(summary, indent=2))


def results(chance: Random) -> dict[str, list[float]]:
    """What a run's evaluations came to: each a little better than the one before."""
    final = chance.gauss(0.7, 0.01)
    accuracies = [final * (1 - 0.5**number) for number in range(1, EVALUATIONS + 1)]
    return {"accuracy/val": accuracies, "loss/val": [2 * (1 - one) for one in accuracies]}


def _summary(chance: Random) -> Summary:
    metrics = {}
    for (tag, values), goal in zip(results(chance).items(), ("max", "min"), strict=True):
        better = [Improvement(50 * n, 3.5 * n, value) for n, value in enumerate(values, 1)]
        last = values[-1]
        metrics[tag] = Metric(goal, last, STEPS, last, STEPS, tuple(better))  # type: ignore[arg-type]
    return Summary(
        metrics=metrics,
        price=Price(
            parameters=23_500_000,
            flops=167_000_000,
            images_per_second=chance.gauss(900, 10),
            seconds=chance.gauss(21, 1),
            peak_memory_bytes=10**9,
        ),
        data=DataFacts(
            name="shapes",
            digest=hashlib.sha256(b"shapes").hexdigest(),
            train_size=6000,
            val_size=1000,
            classes=tuple("abcdefghij"),
        ),
        machine={"device": "cpu", "precision": "float32", "threads": 4},
    )
