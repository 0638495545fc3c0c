"""What "auto" precision and layout are worth, and whether accuracy holds: real training, both ways.

    python -m benchmarks.precision [--steps N] [--seeds N] [--repeats R] [--json FILE]

First the speed of `--backbone` (with the stem for small pictures, batches of 128) as the run itself
measures it: plain float32 in the usual layout, and what `"precision": "auto"` and
`"channels_last": "auto"` become on this machine; by turns, each round in a fresh process. Then a
narrow resnet9 is trained to the end both ways, over `--seeds` seeds, and `tracker compare`'s own
verdict is told: on whether a difference in accuracy can be told from chance, and how large it may
be. (It learns these pictures to 96 %, and evenly enough that half a point would be seen.)
"""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.measure import Row, child, machine, middle, parser, report
from tracker.cli.settle import settle_libraries
from tracker.launch import here
from tracker.launch.plan import choose, jobs_of
from tracker.reading.comparison.compare import compare
from tracker.store.index import RunRecord, list_runs

PLAIN = {"precision": "float32", "channels_last": False}
WAYS: dict[str, dict[str, Any]] = {"float32, plain": PLAIN, "auto": {}}
LEARNER = {"backbone": "resnet9", "width": 16}


def train(document: dict[str, Any], root: Path) -> list[RunRecord]:
    """Run a spec in this process; return the runs under `root`."""
    with TemporaryDirectory() as folder:
        spec = Path(folder) / "spec.json"
        spec.write_text(json.dumps(document))
        jobs = choose(jobs_of(spec, root), "refuse")
        outcomes = here.execute(jobs, root=root, argv=[], watch=lambda _: None, say=lambda _: None)
    failures = [outcome.failure for outcome in outcomes if outcome.failure]
    if failures:
        raise SystemExit(failures[0])
    return list_runs(root)


def speed(way: str, backbone: str, steps: int, batch: int) -> dict[str, Any]:
    """Train `steps` steps; return the pictures a second that the run counted, and its machine."""
    document = {
        "name": "speed",
        "data": {"name": "shapes", "train_size": max(steps, 2) * batch, "val_size": 100},
        "model": {"backbone": backbone},
        "training": {"epochs": 1, "batch_size": batch, **WAYS[way]},
        "logging": {"scalars_every": 2, "pictures_every": 0, "projector": False, "graph": False},
    }
    with TemporaryDirectory() as folder:
        [record] = train(document, Path(folder))
    assert record.price is not None
    found = dict(record.machine or {})
    return {"speed": record.price.images_per_second, **found}


def learn(way: str, root: Path, seeds: int, pictures: int, epochs: int) -> None:
    """Train `LEARNER` in earnest, one run a seed, into `root`."""
    train(
        {
            "name": "learn",
            "variant": "plain" if WAYS[way] else "auto",
            "data": {"name": "shapes", "train_size": pictures, "val_size": 2000},
            "model": LEARNER,
            "optimizer": {"name": "sgd", "lr": 0.2},
            "schedule": {"name": "one_cycle"},
            "training": {"epochs": epochs, "batch_size": 128, **WAYS[way]},
            "logging": {"pictures_every": 0, "projector": False, "graph": False},
            "matrix": {"seed": list(range(seeds))},
        },
        root,
    )


def main() -> None:
    """Measure, print, and keep the result."""
    arguments = parser(__doc__)
    arguments.set_defaults(repeats=3)
    arguments.add_argument("--backbone", default="resnet50")
    arguments.add_argument("--batch", type=int, default=128)
    arguments.add_argument("--steps", type=int, default=8)
    arguments.add_argument("--seeds", type=int, default=10)
    arguments.add_argument("--pictures", type=int, default=6000, help="to learn from")
    arguments.add_argument("--epochs", type=int, default=6)
    arguments.add_argument("--child", nargs="+", metavar="WHAT", help="one round, here")
    given = arguments.parse_args()
    if given.child:
        settle_libraries()  # as `tracker run` does, for both
        what, way, *rest = given.child
        if what == "speed":
            print(json.dumps(speed(way, rest[0], int(rest[1]), int(rest[2]))))
        else:
            learn(way, Path(rest[0]), *map(int, rest[1:]))
            print("null")
        return
    rounds: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    asked = (given.backbone, str(given.steps), str(given.batch))
    for _ in range(given.repeats):
        for way in WAYS:
            rounds[way].append(child("benchmarks.precision", "--child", "speed", way, *asked))
    scores, words = _learned(given.seeds, given.pictures, given.epochs)
    rows: list[Row] = []
    for way, found in rounds.items():
        pairs = zip(found, rounds["float32, plain"], strict=True)
        rows.append(
            {
                "asked": way,
                "computed in": found[0]["precision"]
                + ", channels_last" * found[0]["channels_last"],
                **middle("pictures/s", [one["speed"] for one in found]),
                "times faster": median(one["speed"] / plain["speed"] for one, plain in pairs),
                "accuracy, mean": scores[way][0],
                "std": scores[way][1],
                "seeds": given.seeds,
            }
        )
    about = machine("torch", "torchvision")
    about["isa"] = rounds["auto"][0].get("isa", "")
    about["remarks"] = words
    speed_of = f"{given.backbone} in batches of {given.batch}: speed"
    title = f"{speed_of}; {LEARNER['backbone']}: what it learns"
    report(title, rows, about, given.json)


def _learned(
    seeds: int, pictures: int, epochs: int
) -> tuple[dict[str, tuple[float, float]], list[str]]:
    """Mean and spread of the last accuracy each way, and what `compare` makes of them."""
    scores, records = {}, []
    with TemporaryDirectory() as folder:
        for way in WAYS:
            root = Path(folder) / ("plain" if WAYS[way] else "auto")
            asked = (str(root), str(seeds), str(pictures), str(epochs))
            child("benchmarks.precision", "--child", "learn", way, *asked)
            records += list_runs(root)
    found = compare(records, by=["variant"])
    for group in found.groups:
        estimate = group.scores["accuracy/val"].last
        assert estimate is not None
        way = "auto" if group.group.name == "auto" else "float32, plain"
        scores[way] = (estimate.mean, estimate.std or 0.0)
    verdict = found.others[0].scores["accuracy/val"].verdict
    assert verdict is not None
    told = f"compare calls the accuracies {verdict.outcome}"
    gap = verdict.difference
    if gap and gap.p is not None and gap.low is not None and gap.high is not None:
        told += (
            f": {100 * gap.mean:+.2f} points of difference, interval "
            f"{100 * gap.low:.2f} to {100 * gap.high:.2f}, p = {gap.p:.2f}"
        )
    return scores, [told]


if __name__ == "__main__":
    main()
