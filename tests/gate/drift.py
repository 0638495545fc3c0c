"""How far sound code on other machines lies from a baseline: `python -m tests.gate.drift [SPEC…]`.

Other machines are made of this one: other threads, another memory layout, fewer vector
instructions. Prints, of each spec, what share of the tolerance (which is measured without any of
them) the worst value of each series needs, over all seeds and steps, and where. None may reach 1.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("GOMP_SPINCOUNT", "10000")

import click

from tests.gate.study import HERE, SEEDS
from tracker.launch.short import measure_drift, short_runs
from tracker.reading.gate.baseline import record
from tracker.reading.gate.curve import Curve
from tracker.reading.gate.drift import FOLLOWED, Drift
from tracker.reading.gate.observed import Observed
from tracker.reading.gate.rounding import compared
from tracker.spec.load import load

TESTS = HERE.parent
GOLDEN = ("small-cnn", "resnet9", "se-resnet9", "cifar-resnet20", "cifar-se-resnet20")
SPECS = [
    TESTS.parent / "experiments" / "golden.json",
    *(HERE / f"{name}.json" for name in ("study", "study_adamw")),
    *(TESTS / "golden" / f"{name}.json" for name in GOLDEN),
]
MACHINES: dict[str, tuple[dict[str, str], list[str]]] = {
    "2 threads": ({}, ["training.threads=2"]),
    "3 threads": ({}, ["training.threads=3"]),
    "4 threads": ({}, ["training.threads=4"]),
    "channels last": ({}, ["training.channels_last=true"]),
    "no vectors": ({"ATEN_CPU_CAPABILITY": "default"}, []),
    "SSE4.1": ({"ONEDNN_MAX_CPU_ISA": "SSE41"}, []),
    "AVX2": ({"ONEDNN_MAX_CPU_ISA": "AVX2"}, []),
}


def train(spec: Path, overrides: Sequence[str], *, measure: bool) -> tuple[list[Observed], Drift]:
    """Every seed of `spec` in this process, and to `measure` also how far rounding carries it."""
    experiments = load(spec, overrides=overrides, seeds=SEEDS)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        runs = short_runs(spec, experiments, place / "runs", place)
        return runs, measure_drift(spec, experiments, runs, place) if measure else {}


def elsewhere(spec: Path, machine: str) -> dict[int, Observed]:
    """The runs in a process of its own, whose libraries are told what to be as they load."""
    environment, overrides = MACHINES[machine]
    output = subprocess.run(
        [sys.executable, "-m", "tests.gate.drift", "--curves", str(spec), *overrides],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    return {
        int(seed): Observed(
            name=machine,
            curves=_curves(parts["curves"]),
            early=_curves(parts["early"]),
        )
        for seed, parts in json.loads(output).items()
    }


def _curves(documents: dict[str, object]) -> dict[str, Curve]:
    return {tag: Curve.from_document(one, tag) for tag, one in documents.items()}


def curves(spec: Path, overrides: Sequence[str]) -> str:
    """The series that are followed, by seed, as JSON."""
    runs, _ = train(spec, overrides, measure=False)
    return json.dumps(
        {
            run.seed: {
                "curves": {tag: run.curves[tag].to_document() for tag in FOLLOWED},
                "early": {tag: curve.to_document() for tag, curve in run.early.items()},
            }
            for run in runs
        }
    )


def row(spec: Path) -> str:
    """A row of Markdown."""
    runs, drift = train(spec, (), measure=True)
    baseline = record(runs, drift=drift)
    others = {machine: elsewhere(spec, machine) for machine in MACHINES}
    cells = []
    for tag in FOLLOWED:
        share, worst, machine = max(
            (point.share, point, machine)
            for machine, found in others.items()
            for point in compared(tag, baseline, found)
        )
        cells.append(f"{share:.2f} ({machine}, seed {worst.seed}, step {worst.step})")
    return f"| {spec.stem} | {' | '.join(cells)} |"


def main(specs: Sequence[Path]) -> None:
    """Print the table."""
    click.echo(f"| spec | {' | '.join(FOLLOWED)} |\n|---|{'---|' * len(FOLLOWED)}")
    for spec in specs:
        click.echo(row(spec))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--curves"]:
        click.echo(curves(Path(sys.argv[2]), sys.argv[3:]))
    else:
        main([Path(one) for one in sys.argv[1:]] or SPECS)
