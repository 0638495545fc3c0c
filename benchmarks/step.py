"""What makes a training step on a CPU shorter? Plain PyTorch, and what a run adds, one by one.

    python -m benchmarks.step [--cases NETWORK:PIXELS:BATCH …] [--steps N] [--json FILE]

A step is forward pass, loss, backward pass, fused SGD with momentum, on one batch of noise over and
over; the network has the ImageNet stem. `plain` is float32 as PyTorch gives it. Each way after it
does what the one before does, and one thing more: it computes in bfloat16 with channels_last, keeps
freed memory at hand (`cli/settle.py`), has convolutions over few pixels as matrix products
(`training/small_maps.py`), and hands the optimizer weights as they lie (`training/laid_out.py`). By
turns, every round a fresh process on all cores. Told are the median of
the steps after three, and how many pages of memory the kernel had to clear for each.
"""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Sequence
from functools import partial
from statistics import median
from typing import Any

import torch
from torch import nn

from benchmarks.measure import Row, child, machine, middle, parser, report
from tracker.cli.settle import settle_libraries
from tracker.models.build import build
from tracker.spec.load import from_document
from tracker.training.laid_out import LaidOut
from tracker.training.small_maps import as_products

WAYS = ("plain", "bfloat16", "memory kept", "matrix products", "along the memory")
CASES = (
    "resnet18:32:16",
    "resnet50:32:16",
    "resnet18:32:128",
    "resnet50:32:128",
    "resnet18:224:32",
)
SETTLED = {"GOMP_SPINCOUNT": "10000"}  # as `tracker run` has it; the same for all
TO_WARM_UP = 3


def measure(way: int, network: str, pixels: int, batch: int, steps: int) -> dict[str, float]:
    """Return the median seconds of a step, and the mean of its page faults."""
    torch.manual_seed(0)
    if way >= WAYS.index("memory kept"):
        settle_libraries()
    spec = from_document({"name": "x", "model": {"backbone": network, "stem": "imagenet"}}).model
    model = build(spec, num_classes=10, seed=0, image_size=pixels)
    low = way >= WAYS.index("bfloat16")
    layout: Any = torch.channels_last if low else torch.contiguous_format
    model.to(memory_format=layout)
    if way >= WAYS.index("matrix products"):
        as_products(model)
    sgd = partial(torch.optim.SGD, lr=0.001, momentum=0.9, fused=True)
    parameters = list(model.parameters())
    is_laid_out = way >= WAYS.index("along the memory")
    optimizer = LaidOut(sgd, [{"params": parameters}]) if is_laid_out else sgd(parameters)
    images = torch.randn(batch, 3, pixels, pixels).to(memory_format=layout)
    labels = torch.arange(batch) % 10
    seconds, before = [], 0
    for number in range(TO_WARM_UP + steps):
        if number == TO_WARM_UP:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        begin = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=low):
            loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        seconds.append(time.perf_counter() - begin)
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    return {"seconds": median(seconds[TO_WARM_UP:]), "pages": faults / steps}


def compare(case: str, repeats: int, steps: int) -> list[Row]:
    """Let all ways take turns."""
    asked: Sequence[str] = (*case.split(":"), str(steps))
    rounds = [
        [
            child("benchmarks.step", "--child", str(way), *asked, environment=SETTLED)
            for way in range(len(WAYS))
        ]
        for _ in range(repeats)
    ]
    network, pixels, batch = case.split(":")
    return [
        {
            "network": network,
            "pixels": float(pixels),
            "batch": float(batch),
            "way": ("" if way < 2 else "+ ") + name,
            **middle("ms", [one[way]["seconds"] for one in rounds], 1e3),
            "pages": median(one[way]["pages"] for one in rounds),
            "times faster": median(one[0]["seconds"] / one[way]["seconds"] for one in rounds),
        }
        for way, name in enumerate(WAYS)
    ]


def main() -> None:
    """Measure, print, and keep the result."""
    arguments = parser(__doc__)
    arguments.add_argument("--cases", nargs="+", default=CASES, metavar="NETWORK:PIXELS:BATCH")
    arguments.add_argument("--steps", type=int, default=20)
    arguments.add_argument(
        "--child", nargs=5, metavar=("WAY", "NETWORK", "PIXELS", "BATCH", "STEPS")
    )
    given = arguments.parse_args()
    if given.child:
        way, network, *numbers = given.child
        pixels, batch, steps = map(int, numbers)
        print(json.dumps(measure(int(way), network, pixels, batch, steps)))
        return
    rows = [row for case in given.cases for row in compare(case, given.repeats, given.steps)]
    about = machine("torch", "torchvision")
    about["threads"] = torch.get_num_threads()
    report("One training step on a CPU", rows, about, given.json)


if __name__ == "__main__":
    main()
