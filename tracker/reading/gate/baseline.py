"""A baseline: one short run, or several that differ in their seed alone, written down to be met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tracker import tags
from tracker.errors import NotComparable, UsageError, printable
from tracker.reading.adopting.goals import goal_of
from tracker.reading.difference.causes import section
from tracker.reading.gate.curve import Curve, in_words
from tracker.reading.gate.drift import Drift
from tracker.reading.gate.observed import Environment, Network, Observed
from tracker.reading.gate.resources import Calibration, Usage, memory_of, speed_of
from tracker.spec.differences import differences
from tracker.spec.words import nearest
from tracker.tags import Goal

# What a run is judged by where nobody says: how well it does, and how it got there.
USUAL = (tags.ACCURACY_VAL, tags.LOSS_VAL, tags.LOSS_TRAIN, tags.GRAD_NORM)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A series that decides, at a step or (None) at its end; without a goal either way is worse."""

    tag: str
    step: int | None = None
    goal: Goal | None = None

    @property
    def name(self) -> str:
        """ "loss/train@30", or the series alone for its end."""
        return in_words(self.tag, self.step)


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What was recorded. `curves` go by tag, then by seed; there is one seed at least.

    `origin` names the runs. `experiment`, `data` and `network` are None for curves of others;
    `early` (evaluations right after the first step) and `drift` are empty where not measured.
    """

    origin: tuple[str, ...]
    experiment: Mapping[str, Any] | None
    environment: Environment
    data: Mapping[str, Any] | None
    network: Network | None
    judged: tuple[Judged, ...]
    curves: Mapping[str, Mapping[int, Curve]]
    early: Mapping[str, Mapping[int, Curve]] = field(default_factory=dict)
    drift: Drift = field(default_factory=dict)
    speed: Usage | None = None
    memory: Usage | None = None

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds recorded, in order."""
        return tuple(sorted({seed for by_seed in self.curves.values() for seed in by_seed}))

    @property
    def steps(self) -> frozenset[int]:
        """Every step at which a curve is known."""
        curves = [curve for by_seed in self.curves.values() for curve in by_seed.values()]
        return frozenset(step for curve in curves for step in curve.steps)

    def values(self, judged: Judged) -> list[float]:
        """What each seed came to, in the order of the seeds."""
        by_seed = self.curves.get(judged.tag, {})
        found = [by_seed[seed].at(judged.step) for seed in self.seeds if seed in by_seed]
        return [value for value in found if value is not None]

    def grain(self, tag: str) -> float:
        """The least that a value can change by, where that is known: one validation picture."""
        size = (self.data or {}).get("val_size")
        return 1 / size if tag == tags.ACCURACY_VAL and size else 0.0


def record(
    runs: Sequence[Observed],
    judged: Sequence[tuple[str, int | None]] = (),
    calibration: Calibration | None = None,
    drift: Drift | None = None,
) -> Baseline:
    """Make a baseline of `runs` (one at least), to be judged by `judged` or else by `USUAL`.

    A run without a seed counts as of seed 0. Raises NotComparable where the runs are not the same
    but for their seeds, or hold NaN; UsageError for a series that is not there.
    """
    first = runs[0]
    by_seed = _by_seed(runs)
    for other in runs[1:]:
        _require_alike(first, other)
    known = sorted(set.intersection(*(set(run.curves) for run in runs)))
    curves = {tag: {seed: run.curves[tag] for seed, run in by_seed.items()} for tag in known}
    for run in runs:
        for tag, curve in run.curves.items():
            if not curve.is_finite:
                raise NotComparable(
                    f"{printable(tag)} of {run.name} is not finite everywhere: no baseline"
                )
    wanted = judged or [(tag, None) for tag in (*USUAL, *_scored(known)) if tag in known]
    if not wanted:
        raise NotComparable(f"{first.name} has no series to judge by; name one with --metric")
    return Baseline(
        origin=tuple(run.name for run in runs),
        experiment=first.experiment,
        environment=first.environment,
        data=first.data,
        network=first.network,
        judged=tuple(_judged(tag, step, curves) for tag, step in dict.fromkeys(wanted)),
        curves=curves,
        early={
            tag: {seed: run.early[tag] for seed, run in by_seed.items()}
            for tag in sorted(set.intersection(*(set(run.early) for run in runs)))
        },
        drift=drift or {},
        speed=speed_of(runs, calibration),
        memory=memory_of(runs, calibration),
    )


def _scored(known: Sequence[str]) -> list[str]:
    """What to judge by where a run has none of the series that tracker writes."""
    return [] if set(USUAL) & set(known) else [tag for tag in known if goal_of(tag)]


def _judged(tag: str, step: int | None, curves: Mapping[str, Mapping[int, Curve]]) -> Judged:
    if tag not in curves:
        near = nearest(tag, curves)
        hint = f"; did you mean {near}?" if near else f"; there are {', '.join(curves)}"
        raise UsageError(f"not every run has a series {printable(tag)!r}{printable(hint)}")
    for seed, curve in curves[tag].items():
        if curve.at(step) is None:
            few = ", ".join(map(str, curve.steps[:10]))
            raise UsageError(f"{tag} of seed {seed} has no point at step {step}; it begins {few}")
    return Judged(tag=tag, step=step, goal=goal_of(tag))


def _by_seed(runs: Sequence[Observed]) -> dict[int, Observed]:
    by_seed: dict[int, Observed] = {}
    for run in runs:
        seed = run.seed or 0
        if seed in by_seed:
            raise NotComparable(f"{by_seed[seed].name} and {run.name} are both of seed {seed}")
        by_seed[seed] = run
    return dict(sorted(by_seed.items()))


def _require_alike(one: Observed, other: Observed) -> None:
    for name in ("spec", "data", "machine", "packages"):
        causes = section(name, differences(_part(one, name), _part(other, name))).causes
        if causes:
            which = ", ".join(printable(cause.path) for cause in causes)
            raise NotComparable(
                f"{one.name} and {other.name} differ in {name} ({which}): a baseline is of runs "
                "that differ in their seed alone"
            )


def _part(run: Observed, name: str) -> Mapping[str, Any]:
    if name == "spec":
        return run.experiment or {}
    if name == "data":
        return run.data or {}
    return asdict(run.environment)[name] or {}
