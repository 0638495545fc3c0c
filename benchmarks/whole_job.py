"""A whole job, from pictures to a judged network: `tracker run` beside the loop tutorials teach.

    python -m benchmarks.whole_job [--backbones NAME…] [--pictures N] [--repeats R] [--json FILE]

The same network (torchvision's, ImageNet stem), the same pictures of 32 × 32, one epoch and one
validation on a fifth as many. The tutorial's loop is PyTorch's own: PIL pictures through
`transforms`, a `DataLoader` of two workers, batches of 16, SGD, `loss.item()` and the number of
right answers at each step. Ours is what `tracker run` does, with all it logs, draws and saves; once
at the tutorial's batch size, once at our default of 128. Every round is a fresh process on all
cores; its clock starts when libraries are loaded and stops when the network is judged.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader

from benchmarks.data_path import Pictures
from benchmarks.measure import Row, child, machine, middle, parser, report
from tracker.data import shapes
from tracker.launch import here
from tracker.launch.plan import choose, jobs_of
from tracker.models.build import build
from tracker.spec.load import from_document

THEIR_BATCH, THEIR_WORKERS = 16, 2


def tutorial(backbone: str, pictures: int) -> dict[str, float]:
    """Train and validate as pytorch.org's tutorials do; return seconds in all."""
    network = {"name": "x", "model": {"backbone": backbone, "stem": "imagenet"}}
    build(from_document(network).model, num_classes=10, seed=0, image_size=32)  # libraries load
    begin = time.perf_counter()
    parts = {"train": (shapes.TRAIN, pictures), "val": (shapes.VAL, pictures // 5)}
    loaders = {
        phase: DataLoader(
            Pictures(shapes.draw(0, number, count), augmented=phase == "train"),
            THEIR_BATCH,
            shuffle=phase == "train",
            num_workers=THEIR_WORKERS,
            multiprocessing_context="fork",
        )
        for phase, (number, count) in parts.items()
    }
    model = build(from_document(network).model, num_classes=10, seed=0, image_size=32)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
    for phase in ("train", "val"):
        model.train(phase == "train")
        running_loss, running_corrects = 0.0, 0
        for inputs, labels in loaders[phase]:
            optimizer.zero_grad()
            with torch.set_grad_enabled(phase == "train"):
                outputs = model(inputs)
                _, predicted = torch.max(outputs, 1)
                loss = criterion(outputs, labels)
                if phase == "train":
                    loss.backward()
                    optimizer.step()
            running_loss += loss.item() * inputs.size(0)
            running_corrects += int((predicted == labels).sum().item())
    return {"seconds": time.perf_counter() - begin}


def ours(backbone: str, pictures: int, batch: int) -> dict[str, Any]:
    """Do the same with a spec; return seconds in all, and what was chosen to compute with."""
    document: dict[str, Any] = {
        "name": "job",
        "data": {"name": "shapes", "train_size": pictures, "val_size": pictures // 5},
        "model": {"backbone": backbone, "stem": "imagenet"},
        "optimizer": {"name": "sgd", "lr": 0.001 * batch / THEIR_BATCH, "momentum": 0.9},
        "training": {"epochs": 1, "batch_size": batch},
    }
    document["data"]["augment"] = ["random_crop", "horizontal_flip"]
    with TemporaryDirectory() as folder:
        spec, root = Path(folder) / "job.json", Path(folder) / "runs"
        spec.write_text(json.dumps(document))
        jobs = choose(jobs_of(spec, root), "refuse")
        begin = time.perf_counter()
        [outcome] = here.execute(jobs, root=root, argv=[], watch=lambda _: None, say=lambda _: None)
        seconds = time.perf_counter() - begin
        if outcome.run is None or outcome.failure:
            raise SystemExit(outcome.failure)
        found = outcome.run.summary().machine or {}
    layout = ", channels_last" * bool(found["channels_last"])
    return {"seconds": seconds, "chosen": f"{found['precision']}{layout}"}


def main() -> None:
    """Measure, print, and keep the result."""
    arguments = parser(__doc__)
    arguments.set_defaults(repeats=3)
    arguments.add_argument("--backbones", nargs="+", default=["resnet18", "resnet50"])
    arguments.add_argument("--pictures", type=int, default=4096, help="to train on")
    arguments.add_argument("--batch", type=int, default=128, help="our own batch size")
    arguments.add_argument("--child", nargs=3, metavar=("BACKBONE", "PICTURES", "BATCH"))
    given = arguments.parse_args()
    if given.child:
        backbone, pictures, batch = given.child[0], int(given.child[1]), int(given.child[2])
        print(
            json.dumps(
                ours(*(backbone, pictures, batch)) if batch else tutorial(backbone, pictures)
            )
        )
        return
    ways = {
        "tutorial, batches of 16": 0,
        "tracker, batches of 16": THEIR_BATCH,
        f"tracker, batches of {given.batch}": given.batch,
    }
    rows: list[Row] = []
    for backbone in given.backbones:
        rounds: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
        for _ in range(given.repeats):
            for way, batch in ways.items():
                asked = (backbone, str(given.pictures), str(batch))
                rounds[way].append(child("benchmarks.whole_job", "--child", *asked))
        theirs = [one["seconds"] for one in rounds["tutorial, batches of 16"]]
        for way, found in rounds.items():
            seconds = [one["seconds"] for one in found]
            rows.append(
                {
                    "network": backbone,
                    "way": way,
                    "computed in": found[0].get("chosen", "float32"),
                    **middle("s", seconds),
                    "pictures/s": given.pictures / median(seconds),
                    "times faster": median(
                        slow / fast for slow, fast in zip(theirs, seconds, strict=True)
                    ),
                }
            )
    about = machine("torch", "torchvision", "pillow")
    about["threads"] = torch.get_num_threads()
    title = (
        f"One epoch of {given.pictures:,} pictures of 32 × 32, and {given.pictures // 5:,} to judge"
    )
    report(title, rows, about, given.json)


if __name__ == "__main__":
    main()
