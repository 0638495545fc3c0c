"""How far the first steps of sound code lie from another machine's: `python -m tests.gate.drift`.

Other machines are made of this one: other threads, another memory layout, fewer vector
instructions. Prints, of each spec, the largest share by which a series differs at the first step
and within the next two, over all of these; `opening.TOLERANCES` must lie well above.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("GOMP_SPINCOUNT", "10000")

import click

from tests.gate.study import HERE
from tracker.launch.short import observe_short_runs
from tracker.reading.gate.opening import STEPS, TOLERANCES
from tracker.spec.load import load

GOLDEN = HERE.parent / "golden"
NAMES = ("small-cnn", "resnet9", "se-resnet9", "cifar-resnet20", "cifar-se-resnet20")
SPECS = [GOLDEN / f"{name}.json" for name in NAMES] + [HERE / "study.json"]
MACHINES: list[tuple[dict[str, str], list[str]]] = [
    ({}, ["training.threads=2"]),
    ({}, ["training.threads=4"]),
    ({}, ["training.channels_last=true"]),
    ({"ATEN_CPU_CAPABILITY": "default"}, []),
    ({"ONEDNN_MAX_CPU_ISA": "SSE41"}, []),
    ({"ONEDNN_MAX_CPU_ISA": "AVX2"}, []),
]
Curves = dict[str, dict[str, dict[int, float]]]  # by spec, tag and step


def first_steps(overrides: list[str]) -> Curves:
    """What each spec comes to in this process."""
    found: Curves = {}
    for spec in SPECS:
        with tempfile.TemporaryDirectory() as place:
            runs, _ = observe_short_runs(
                spec,
                load(spec, overrides=[*overrides, "seed=1"], max_steps=STEPS[-1]),
                Path(place),
                keep=(),
                argv=["drift"],
                watch=lambda _: None,
                say=lambda _: None,
            )
        curves = runs[0].curves
        found[spec.stem] = {
            tag: {step: value for step in STEPS if (value := curves[tag].at(step)) is not None}
            for tag in TOLERANCES["float32"]
        }
    return found


def elsewhere(environment: dict[str, str], overrides: list[str]) -> Curves:
    """The same in a process of its own, whose libraries are told `environment` as they load."""
    output = subprocess.run(
        [sys.executable, "-m", "tests.gate.drift", json.dumps(overrides)],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    found: dict[str, dict[str, dict[str, float]]] = json.loads(output)
    return {
        spec: {
            tag: {int(step): value for step, value in points.items()}
            for tag, points in by_tag.items()
        }
        for spec, by_tag in found.items()
    }


def main() -> None:
    """Print a row of Markdown per spec."""
    here = elsewhere({}, [])
    others = [elsewhere(*machine) for machine in MACHINES]
    tags = list(TOLERANCES["float32"])
    click.echo(f"| spec | {' | '.join(tags)} |\n|---|{'---|' * len(tags)}")
    for spec, curves in here.items():
        cells = [
            " / ".join(
                f"{largest:.0e}" for largest in _largest(values, [o[spec][tag] for o in others])
            )
            for tag, values in curves.items()
        ]
        click.echo(f"| {spec} | {' | '.join(cells)} |")


def _largest(recorded: dict[int, float], others: list[dict[int, float]]) -> list[float]:
    """The largest share at the first step, if there is a point, and after it."""
    found = []
    for steps in (STEPS[:1], STEPS[1:]):
        shares = [
            abs(other[step] - recorded[step]) / abs(recorded[step])
            for other in others
            for step in steps
            if step in recorded
        ]
        found += [max(shares)] if shares else []
    return found


if __name__ == "__main__":
    if sys.argv[1:]:
        click.echo(json.dumps(first_steps(json.loads(sys.argv[1]))))
    else:
        main()
