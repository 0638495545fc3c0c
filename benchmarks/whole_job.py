"""A whole job, from pictures to a judged network: `tracker run` beside the loop tutorials teach.

    python -m benchmarks.whole_job [--backbones NAME…] [--pictures N] [--repeats R] [--json FILE]

The same network (torchvision's, ImageNet stem), the same pictures of 32 × 32, one epoch and one
validation on a fifth as many. The tutorial's loop is PyTorch's own: PIL pictures through
`transforms`, a `DataLoader` of two workers, batches of 16, SGD, `loss.item()` and the number of
right answers at each step. Ours is what `tracker run` does, with all it logs, draws and saves; once
at the tutorial's batch size, once at our default of 128. What no loop can be faster than is told
for each: the network alone, one batch over and over, nothing read and nothing written.
Every round is a fresh process on all cores; its clock starts when libraries are loaded and stops
when the network is judged.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader

from benchmarks.data_path import Pictures
from benchmarks.measure import Row, child, machine, middle, parser, report
from tracker.cli.settle import settle_libraries
from tracker.data import shapes
from tracker.launch import here
from tracker.launch.plan import choose, jobs_of
from tracker.models.build import build
from tracker.models.cost import cost
from tracker.spec.load import from_document
from tracker.training.laid_out import LaidOut
from tracker.training.machine import choose as choose_machine

THEIR_BATCH, THEIR_WORKERS = 16, 2
SETTLED = {"GOMP_SPINCOUNT": "10000"}  # as `tracker run` has it before it imports torch


def tutorial(backbone: str, pictures: int, batch: int) -> dict[str, Any]:
    """Train and validate as pytorch.org's tutorials do; return seconds in all."""
    network = {"name": "x", "model": {"backbone": backbone, "stem": "imagenet"}}
    build(from_document(network).model, num_classes=10, seed=0, image_size=32)  # libraries load
    begin = time.perf_counter()
    parts = {"train": (shapes.TRAIN, pictures), "val": (shapes.VAL, pictures // 5)}
    loaders = {
        phase: DataLoader(
            Pictures(shapes.draw(0, number, count), augmented=phase == "train"),
            batch,
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
    settle_libraries()
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


def alone(backbone: str, pictures: int, batch: int) -> dict[str, Any]:
    """Do as many steps, and judge as many, with one batch of noise; return seconds in all."""
    settle_libraries()
    network = {"backbone": backbone, "stem": "imagenet"}
    spec = from_document({"name": "x", "model": network, "training": {"batch_size": batch}})
    model = build(spec.model, num_classes=10, seed=0, image_size=32)
    machine = choose_machine(spec.training, cost(model, 32))
    machine.place(model, compiled=False)
    optimizer = LaidOut(
        partial(torch.optim.SGD, lr=0.001, momentum=0.9, fused=True),
        [{"params": list(model.parameters())}],
    )
    images = torch.randn(batch, 3, 32, 32).to(memory_format=machine.memory_format)
    labels = torch.arange(batch) % 10
    begin = time.perf_counter()
    for _ in range(pictures // batch):
        with machine.autocast():
            loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.eval()
    with torch.inference_mode(), machine.autocast():
        for _ in range(pictures // 5 // batch):
            model(images)
    seconds = time.perf_counter() - begin
    layout = ", channels_last" * machine.channels_last
    return {"seconds": seconds, "chosen": f"{machine.precision}{layout}"}


PROGRAMS: dict[str, Callable[[str, int, int], dict[str, Any]]] = {
    "tutorial": tutorial,
    "ours": ours,
    "alone": alone,
}


def main() -> None:
    """Measure, print, and keep the result."""
    arguments = parser(__doc__)
    arguments.set_defaults(repeats=3)
    arguments.add_argument("--backbones", nargs="+", default=["resnet18", "resnet50"])
    arguments.add_argument("--pictures", type=int, default=10240, help="to train on")
    arguments.add_argument("--batch", type=int, default=128, help="our own batch size")
    arguments.add_argument("--child", nargs=4, metavar=("WAY", "BACKBONE", "PICTURES", "BATCH"))
    given = arguments.parse_args()
    if given.child:
        way, backbone, pictures, batch = given.child
        print(json.dumps(PROGRAMS[way](backbone, int(pictures), int(batch))))
        return
    theirs_way = f"tutorial, batches of {THEIR_BATCH}"
    ways = {
        theirs_way: ("tutorial", THEIR_BATCH),
        **{
            f"{words}, batches of {batch}": (program, batch)
            for batch in (THEIR_BATCH, given.batch)
            for words, program in (("tracker", "ours"), ("the network alone", "alone"))
        },
    }
    rows: list[Row] = []
    for backbone in given.backbones:
        rounds: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
        for _ in range(given.repeats):
            for way, (program, batch) in ways.items():
                asked = (program, backbone, str(given.pictures), str(batch))
                environment = {} if program == "tutorial" else SETTLED
                rounds[way].append(
                    child("benchmarks.whole_job", "--child", *asked, environment=environment)
                )
        theirs = [one["seconds"] for one in rounds[theirs_way]]
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
