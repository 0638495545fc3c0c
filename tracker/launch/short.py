"""Short runs for the gate: made like any others, with the calibration kernel before and after."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

from tracker.errors import NotComparable, printable
from tracker.launch import here
from tracker.launch.calibrate import calibrate
from tracker.launch.jitter import jitter
from tracker.launch.plan import Job, choose
from tracker.models.cost import Cost
from tracker.reading.gate.drift import EVALUATED, Drift, drift_of
from tracker.reading.gate.observed import Observed, observe
from tracker.reading.gate.resources import Calibration
from tracker.spec.experiment import Experiment
from tracker.store.run import Run
from tracker.training import machine
from tracker.training.live import Live

FOLLOWED_STEPS = 20  # so far the drift is measured: by then chance has taken over
_EACH, _LEAST = 2, 6  # repeats of each seed, and of all together


def observe_short_runs(
    source: Path,
    experiments: Sequence[Experiment],
    root: Path,
    scratch: Path,
    *,
    keep: Collection[int],
    argv: Sequence[str],
    watch: Callable[[Live], None],
    say: Callable[[str], None],
) -> tuple[list[Observed], Calibration]:
    """`short_runs`, and what the calibration kernel did before and after them."""
    # Device and threads do not depend on the network.
    chosen = machine.choose(experiments[0].training, Cost(parameters=1, flops=0))
    before = calibrate(chosen)
    observed = short_runs(
        source, experiments, root, scratch, keep=keep, argv=argv, watch=watch, say=say
    )
    after = calibrate(chosen)
    rates = (before.kernels_per_second, after.kernels_per_second)
    return observed, Calibration(
        kernels_per_second=fmean(rates), peak_memory_bytes=before.peak_memory_bytes
    )


def short_runs(
    source: Path,
    experiments: Sequence[Experiment],
    root: Path,
    scratch: Path,
    *,
    keep: Collection[int] = (),
    argv: Sequence[str] = (),
    watch: Callable[[Live], None] = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
) -> list[Observed]:
    """Run `experiments` (one at least, from the file `source`) under `root`, and look at each.

    Of the curves the steps of `keep` are kept; each is `evaluated_early`. Raises NotComparable
    where a run fails, and whatever `here.execute` raises.
    """
    observed = _run(source, experiments, root, keep=keep, argv=argv, watch=watch, say=say)
    return evaluated_early(source, experiments, observed, scratch, argv=argv)


def evaluated_early(
    source: Path,
    experiments: Sequence[Experiment],
    runs: Sequence[Observed],
    scratch: Path,
    *,
    argv: Sequence[str] = (),
) -> list[Observed]:
    """`runs` of `experiments`, each with an evaluation right after its first step.

    It comes from a run of one step under `scratch`: rounding has had no time to grow there, so it
    shows the least of what an evaluation does wrong. Raises as `short_runs` does.
    """
    one_step = [_bare(experiment, 1) for experiment in experiments]
    ended = _run(source, one_step, scratch / "early", argv=argv)
    return [
        replace(run, early={tag: one.curves[tag] for tag in EVALUATED if tag in one.curves})
        for run, one in zip(runs, ended, strict=True)
    ]


def measure_drift(
    source: Path,
    experiments: Sequence[Experiment],
    runs: Sequence[Observed],
    scratch: Path,
    *,
    argv: Sequence[str] = (),
) -> Drift:
    """Repeat `experiments`, which came to `runs`, with noise in the place of another's rounding.

    Each seed twice, and six runs at least, of `FOLLOWED_STEPS` at most, under `scratch`. Raises as
    `short_runs` does.
    """
    keep = {step for run in runs for curve in run.curves.values() for step in curve.steps}
    bare = [_bare(experiment, FOLLOWED_STEPS) for experiment in experiments]
    repeats: list[Observed] = []
    for number in range(max(_EACH, math.ceil(_LEAST / len(bare)))):
        place = scratch / f"noise{number}"
        with jitter(number):
            repeats += short_runs(source, bare, place, place, keep=keep, argv=argv)
    return drift_of(runs, repeats)


def _run(
    source: Path,
    experiments: Sequence[Experiment],
    root: Path,
    *,
    argv: Sequence[str],
    keep: Collection[int] = (),
    watch: Callable[[Live], None] = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
) -> list[Observed]:
    jobs = [Job(source, experiment, Run.of(root, experiment)) for experiment in experiments]
    outcomes = here.execute(choose(jobs, "again"), root=root, argv=argv, watch=watch, say=say)
    observed = []
    for outcome in outcomes:
        if outcome.failure or outcome.run is None:
            name = f"{outcome.experiment.variant} s{outcome.experiment.seed}"
            raise NotComparable(f"{printable(name)} failed: {outcome.failure}")
        observed.append(observe(outcome.run, keep))
    return observed


def _bare(experiment: Experiment, most: int) -> Experiment:
    """The same training, with nothing drawn, of `most` steps at most."""
    steps = min(experiment.training.max_steps or most, most)
    return replace(
        experiment,
        training=replace(experiment.training, max_steps=steps),
        logging=replace(
            experiment.logging,
            pictures_every=0,
            graph=False,
            pr_curves=False,
            histograms="none",
            projector=False,
            system=False,
            git_diff=False,
        ),
        expect=(),
    )
