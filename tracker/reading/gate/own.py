"""Curves of somebody else's training code as something the gate can look at."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tracker.errors import UsageError, printable
from tracker.events.reader import Series, read_scalars
from tracker.reading.gate.curve import curve_of
from tracker.reading.gate.observed import Environment, Observed, observe, packages_of
from tracker.spec.experiment import Expectation
from tracker.store import provenance
from tracker.store.run import Run

# Values of steps 1, 2, …; or (step, value) pairs.
Points: TypeAlias = Sequence[float] | Sequence[tuple[int, float]]
_BOUNDS = ("min", "max", "at_step")


def expectations(expect: Mapping[str, Mapping[str, Any]]) -> tuple[Expectation, ...]:
    """What `expect` asks of each series by tag: `min`, `max` or both, at the end or `at_step`.

    Raises UsageError for anything else.
    """
    found = []
    for tag, bounds in expect.items():
        where = f"expect[{tag!a}]"
        if not isinstance(bounds, Mapping) or not {"min", "max"} & {*bounds}:
            raise UsageError(
                f'{where} must be such as {{"min": 0.5}} or {{"max": 2, "at_step": 9}}'
            )
        for name, value in bounds.items():
            if name not in _BOUNDS:
                raise UsageError(f"{where} has {name!a}; there are {', '.join(_BOUNDS)}")
            if type(value) is not int and (name == "at_step" or type(value) is not float):
                kind = "a whole number" if name == "at_step" else "a number"
                raise UsageError(f"{where}: {name} must be {kind}, not {value!a}")
        found.append(Expectation(tag=tag, **bounds))
    return tuple(found)


def observe_source(source: Run | Path | str | Mapping[str, Points], seed: int) -> Observed:
    """A run, the folder of one or of event files of any program, or curves by tag.

    A run knows its own seed; the others are of `seed`. Raises UsageError for what is none of these.
    """
    if isinstance(source, Run):
        return observe(source)
    if isinstance(source, Mapping):
        return observe_curves(f"seed {seed}", source, machine=_machine(), seed=seed)
    if not isinstance(source, str | Path):
        raise UsageError(f"a {type(source).__name__} is no run, no folder and no curves by tag")
    if not Path(source).is_dir():
        raise UsageError(f"there is no folder {printable(str(source))}")
    if Run(Path(source)).status_file.exists():
        return observe(Run(Path(source)))
    series = read_scalars(Path(source)).series
    return observe_curves(str(source), series, machine=_machine(), seed=seed)


def _machine() -> dict[str, Any]:
    """What torch computes with in this process, if it was imported."""
    torch = sys.modules.get("torch")
    if torch is None:
        return {}
    return {
        "torch": str(torch.__version__),
        "threads": torch.get_num_threads(),
        "isa": torch.backends.cpu.get_cpu_capability(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def observe_curves(
    name: str,
    curves: Mapping[str, Points | Series],
    *,
    machine: Mapping[str, Any] | None = None,
    seed: int | None = None,
) -> Observed:
    """Take `curves`, by tag, for a run called `name`, made just now on this computer.

    `machine` is whatever else decides the last bit of them; None: not known, and then no bits can
    be asked for. Raises UsageError where there is no curve, for one without points, one whose steps
    do not rise, and one that does not hold numbers.
    """
    if not curves:
        raise UsageError(f"{printable(name)} has no curves")
    series = {tag: _series(tag, points) for tag, points in curves.items()}
    here = provenance.collect(None, (), patch=False)
    return Observed(
        name=name,
        step=max((int(one.steps[-1]) for one in series.values()), default=0),
        seed=seed,
        environment=Environment(
            machine=machine,
            cpu=here.host.cpu,
            packages=packages_of({"packages": here.packages}),
        ),
        curves={tag: curve_of(one) for tag, one in series.items()},
    )


def _series(tag: str, points: Points | Series) -> Series:
    if isinstance(points, Series):
        found = points
    else:
        rows = _numbers(tag, points)
        if rows.ndim == 1:
            rows = np.stack([np.arange(1, len(rows) + 1), rows], axis=1)
        if rows.ndim != 2 or rows.shape[1] != 2:
            raise UsageError(f"{printable(tag)} must be values, or pairs of a step and a value")
        steps = rows[:, 0].astype(np.int64)
        found = Series(steps, np.zeros(len(steps)), rows[:, 1])
    if not len(found) or not found.is_increasing:
        raise UsageError(f"{printable(tag)} must have points, at steps that rise")
    return found


def _numbers(tag: str, points: Points) -> NDArray[np.float64]:
    try:
        return np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{printable(str(tag))} must hold numbers: {error}") from error
