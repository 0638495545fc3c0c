"""Training on a GPU: `tracker run` beside two loops written by hand, and how long the GPU idles.

    python -m benchmarks.gpu [--spec FILE] [--steps N] [--to-the-end] [--repeats R] [--json FILE]

All train the network of the spec (`experiments/cifar10_fast.json`: ResNet-9 on CIFAR-10) in
bfloat16 and channels_last, with fused SGD. `airbench` is a loop in the manner of cifar10-airbench:
the pictures lie on the GPU, are cropped and mirrored there as a batch, and nothing waits for
anything. `timm` is a loop in the manner of timm's train.py: PIL pictures through a `DataLoader` of
`--workers`, pinned, the loss averaged on the host at each log. `tracker` is ours with default
logging, `tracker, compiled` the same with `training.compile`. By turns, each in a fresh process;
the first tenth of the steps warms up and does not count.

Then ours runs once under torch's profiler: `idle` is the share of the time between the first and
the last kernel in which none ran, and `waits` how often in a step the host waited for the GPU.
`--to-the-end` trains the whole spec instead and tells the accuracy and the seconds it took.

Without a GPU nothing is measured, and the program says so; `--device cpu` tries it out.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile
from torch.utils.data import DataLoader

from benchmarks.data_path import MEAN, STD, Pictures
from benchmarks.measure import Row, child, machine, middle, parser, report
from tracker.data.augment import Recipe, augment, normalise
from tracker.data.build import build as build_data
from tracker.data.dataset import Split
from tracker.launch import here
from tracker.launch.plan import choose, jobs_of
from tracker.models.build import build as build_model
from tracker.spec.experiment import Experiment
from tracker.spec.load import load
from tracker.store.index import RunRecord, list_runs

SPEC = Path(__file__).parent.parent / "experiments" / "cifar10_fast.json"
WAYS = ("tracker", "tracker, compiled", "airbench", "timm")
LOG_EVERY = 20
WARM = 10  # the first of so many parts of the steps does not count
Batches = Iterator[tuple[Tensor, Tensor]]


def by_hand(
    asked: Experiment, device: torch.device, steps: int, batches: Batches, *, log: bool
) -> float:
    """Train on `batches`; return pictures a second. With `log` the loss is waited for at times."""
    model = build_model(asked.model, num_classes=10, seed=0, image_size=32)
    model = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4, fused=True
    )
    seen, total, begin = 0, 0.0, 0.0
    for step in range(steps):
        if step == steps // WARM:
            _wait(device)
            seen, begin = 0, time.perf_counter()
        images, labels = next(batches)
        with torch.autocast(device.type, dtype=torch.bfloat16):
            loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        seen += len(labels)
        if log and step % LOG_EVERY == 0:
            total += loss.item()  # the host waits here
    _wait(device)
    return seen / (time.perf_counter() - begin)


def on_device(split: Split, asked: Experiment, device: torch.device) -> Batches:
    """Batches as airbench makes them: all pictures on the device, changed there."""
    assert isinstance(split.images, Tensor)
    images, labels = split.images.to(device), split.labels.to(device)
    size, step = asked.training.batch_size, 0
    recipe = Recipe.of(asked.data, MEAN)
    while True:
        order = torch.randperm(len(labels), device=device)
        for part in order.split(size):
            if len(part) == size or len(labels) < size:
                changed = augment(images[part], recipe, step)
                yield (
                    normalise(
                        changed, MEAN, STD, dtype=torch.float32, memory_format=torch.channels_last
                    ),
                    labels[part],
                )
                step += 1


def by_workers(split: Split, asked: Experiment, device: torch.device, workers: int) -> Batches:
    """Batches as timm makes them: PIL pictures, worker processes, pinned memory."""
    loader = DataLoader(
        Pictures(split, augmented=True),
        asked.training.batch_size,
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        pin_memory=device.type == "cuda",
        persistent_workers=workers > 0,
    )
    while True:
        for images, labels in loader:
            moved = images.to(device, non_blocking=True, memory_format=torch.channels_last)
            yield moved, labels.to(device, non_blocking=True)


def ours(spec: Path, overrides: list[str], steps: int | None) -> tuple[RunRecord, float]:
    """Train as `tracker run` does; return the run in a line, and the seconds it took."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        jobs = choose(jobs_of(spec, root, overrides=overrides, max_steps=steps), "refuse")
        begin = time.perf_counter()
        [outcome] = here.execute(jobs, root=root, argv=[], watch=lambda _: None, say=lambda _: None)
        seconds = time.perf_counter() - begin
        if outcome.failure:
            raise SystemExit(outcome.failure)
        return list_runs(root)[0], seconds


def measure(way: str, given: argparse.Namespace) -> float:
    """Train once in this process; return pictures a second."""
    device = torch.device(given.device)
    fast = ["training.precision=bfloat16", "training.channels_last=true"]
    chosen = [*given.set, f"training.device={given.device}", *fast]
    if way.startswith("tracker"):
        more = ["training.compile=true"] if way.endswith("compiled") else []
        record, _ = ours(given.spec, [*chosen, *more], given.steps)
        assert record.price is not None
        return record.price.images_per_second or 0.0
    [asked] = load(given.spec, overrides=chosen)
    split = build_data(asked.data, log=lambda _: None).train
    if way == "airbench":
        return by_hand(asked, device, given.steps, on_device(split, asked, device), log=False)
    loader = by_workers(split, asked, device, given.workers)
    return by_hand(asked, device, given.steps, loader, log=True)


def idle(given: argparse.Namespace) -> list[str]:
    """Say how much of the time no kernel ran, and how often a step waited for the GPU."""
    chosen = [*given.set, f"training.device={given.device}"]
    activities = [ProfilerActivity.CPU]
    activities += [ProfilerActivity.CUDA] * (given.device == "cuda")
    with profile(activities=activities) as seen:
        ours(given.spec, chosen, given.steps)
    events = list(seen.events() or ())
    kernels = sorted(
        (one.time_range.start, one.time_range.end)
        for one in events
        if str(one.device_type).endswith("CUDA")
    )
    if not kernels:
        return ["no kernel ran on a GPU"]
    busy, until = 0.0, kernels[0][0]
    for start, end in kernels:
        busy += max(0.0, end - max(start, until))
        until = max(until, end)
    waits = sum(one.name in ("cudaStreamSynchronize", "cudaDeviceSynchronize") for one in events)
    return [
        f"GPU idle {1 - busy / (until - kernels[0][0]):.1%} of the run under the profiler, "
        f"{waits / given.steps:.2f} waits a step (evaluation and saving included)"
    ]


def to_the_end(given: argparse.Namespace) -> list[Row]:
    """Train the whole spec `--repeats` times, each of another seed."""
    rows: list[Row] = []
    for seed in range(given.repeats):
        chosen = [*given.set, f"training.device={given.device}", f"seed={seed}"]
        record, seconds = ours(given.spec, chosen, None)
        accuracy = record.metrics["accuracy/val"].last or 0.0
        trained = record.price.seconds if record.price else 0.0
        rows.append(
            {"seed": seed, "accuracy": accuracy, "training s": trained, "in all s": seconds}
        )
    return rows


def beside(given: argparse.Namespace) -> tuple[list[Row], list[str]]:
    """Train every way by turns; return a row for each, and what the profiler saw of ours."""
    passed = ["--spec", str(given.spec), "--steps", str(given.steps), "--device", given.device]
    passed += ["--workers", str(given.workers), *(f"--set={one}" for one in given.set)]
    rounds: dict[str, list[float]] = {way: [] for way in given.ways}
    for _ in range(given.repeats):
        for way in given.ways:
            rounds[way].append(child("benchmarks.gpu", "--child", way, *passed))
    rows: list[Row] = []
    for way, found in rounds.items():
        pairs = zip(rounds[given.ways[0]], found, strict=True)
        ratio = median(first / this for first, this in pairs)
        rows.append({"way": way, **middle("pictures/s", found), "first / this": ratio})
    return rows, idle(given)


def main() -> None:
    """Measure, print, and keep the result."""
    arguments = parser(__doc__)
    arguments.add_argument("--spec", type=Path, default=SPEC)
    arguments.add_argument("--set", action="append", default=[], metavar="PATH=VALUE")
    arguments.add_argument("--steps", type=int, default=400)
    arguments.add_argument("--workers", type=int, default=8, help="of the timm-style loop")
    arguments.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    arguments.add_argument("--to-the-end", action="store_true")
    arguments.add_argument("--device", default="cuda", help="cpu tries the program out")
    arguments.add_argument("--child", metavar="WAY", choices=WAYS, help="one round, here")
    given = arguments.parse_args()
    if given.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit(
            f"PyTorch {torch.__version__} finds no GPU here, so nothing was measured; "
            "--device cpu tries the program out"
        )
    if given.child:
        print(json.dumps(measure(given.child, given)))
        return
    about = machine("torch", "torchvision")
    if given.device == "cuda":
        about["processor"] = torch.cuda.get_device_name()
    if given.to_the_end:
        rows = to_the_end(given)
    else:
        rows, about["remarks"] = beside(given)
    report(f"{given.spec.stem} on {given.device}", rows, about, given.json)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
