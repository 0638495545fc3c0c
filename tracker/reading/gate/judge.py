"""Runs held against a baseline: the same as it was, to the bit or as far as chance goes?"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from tracker.reading.gate.baseline import Baseline
from tracker.reading.gate.chance import FALSE_ALARMS
from tracker.reading.gate.circumstances import (
    changes_of,
    choices,
    choose_mode,
    network,
    other_data,
    other_points,
)
from tracker.reading.gate.exact import exact
from tracker.reading.gate.expectation import expected, expected_ratio
from tracker.reading.gate.observed import Observed
from tracker.reading.gate.resources import (
    Calibration,
    compare_memory,
    compare_speed,
    memory_of,
    speed_of,
)
from tracker.reading.gate.rounding import rounding
from tracker.reading.gate.spread import statistical
from tracker.reading.gate.verdict import Check, Kind, Mode, Verdict


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How to judge. `mode` None: exact wherever that can be asked for.

    Speed and memory raise warnings, unless they are among the kinds that are `deciding`.
    `false_alarms` is the share of checks of unchanged code that may fail for chance alone.
    """

    mode: Mode | None = None
    deciding: Collection[Kind] = ()
    false_alarms: float = FALSE_ALARMS


def judge(
    baseline: Baseline,
    runs: Sequence[Observed],
    manner: Manner | None = None,
    calibration: Calibration | None = None,
) -> Check:
    """Hold `runs` (one at least, of one experiment but for their seeds) against `baseline`.

    Where the data differ, or the steps that have points, nothing is compared. A run without a seed
    counts as of seed 0.
    """
    manner = manner or Manner()
    first = runs[0]
    common = {run.seed or 0: run for run in runs if (run.seed or 0) in baseline.seeds}
    changes = changes_of(baseline, first)
    mode, why = choose_mode(baseline, first, changes, is_common=bool(common), wanted=manner.mode)
    by_chance = [
        *rounding(baseline, common, changes),
        *statistical(baseline, runs, manner.false_alarms),
    ]
    quality = by_chance if mode == "statistical" else _exact(baseline, runs, common)
    verdicts = [*other_data(baseline, runs), *other_points(baseline, first)] or [
        *network(baseline, first, changes),
        *choices(baseline, changes),
        *quality,
        *(verdict for run in runs for verdict in expected(run)),
        *_resources(baseline, runs, calibration, manner.deciding),
    ]
    shown = next(iter(common), baseline.seeds[0])
    now = common.get(shown, first)
    return Check(
        name=first.name,
        mode=mode,
        why_mode=why,
        verdicts=tuple(verdicts),
        aside=_aside(by_chance) if mode == "exact" and len(baseline.seeds) > 1 else "",
        changes=tuple(changes),
        curves={
            tag: (curves[shown], now.curves[tag])
            for tag, curves in baseline.curves.items()
            if shown in curves and tag in now.curves
        },
    )


def _exact(
    baseline: Baseline, runs: Sequence[Observed], common: Mapping[int, Observed]
) -> list[Verdict]:
    """Bit by bit; a run of a seed that was not recorded is unknown."""
    strange = [run.name for run in runs if (run.seed or 0) not in common]
    words = f"its seed was not recorded: {', '.join(strange)}"
    unknown = Verdict(metric="seed", kind="quality", status="unknown", words=words)
    return [*exact(baseline, common), *([unknown] if strange else [])]


def _aside(by_chance: Sequence[Verdict]) -> str:
    """What would be said of these if no bits were asked for."""
    failed = [one.metric for one in by_chance if one.status == "fail"]
    if failed:
        return f"chance does not explain it: {', '.join(failed)} would fail in statistical mode too"
    return "as far as it went it is within the spread of the seeds (--mode statistical)"


def _resources(
    baseline: Baseline,
    runs: Sequence[Observed],
    calibration: Calibration | None,
    deciding: Collection[Kind],
) -> list[Verdict]:
    """Speed and memory, wherever both sides measured them beside the kernel.

    One that is to decide and was not measured is unknown: never a pass.
    """
    speed, memory = speed_of(runs, calibration), memory_of(runs, calibration)
    ratio = expected_ratio(runs[0], baseline.speed, speed)
    found = [] if ratio is None else [ratio]
    if baseline.speed and speed:
        found.append(compare_speed(baseline.speed, speed, deciding))
    elif "speed" in deciding:
        found.append(_unmeasured("speed", has_baseline=baseline.speed is not None))
    if baseline.memory and memory:
        found.append(compare_memory(baseline.memory, memory, deciding))
    elif "memory" in deciding:
        found.append(_unmeasured("memory", has_baseline=baseline.memory is not None))
    return found


def _unmeasured(kind: Kind, *, has_baseline: bool) -> Verdict:
    words = (
        f"no {kind} was measured here: check a SPEC, not a run that is there already"
        if has_baseline
        else f"the baseline has no {kind} measured: record it from a SPEC"
    )
    return Verdict(metric=kind, kind=kind, status="unknown", words=words)
