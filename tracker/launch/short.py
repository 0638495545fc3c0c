"""Short runs for the gate: made like any others, with the calibration kernel before and after."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from statistics import fmean

from tracker.errors import NotComparable, printable
from tracker.launch import here
from tracker.launch.calibrate import calibrate
from tracker.launch.plan import Job, choose
from tracker.models.cost import Cost
from tracker.reading.gate.observed import Observed, observe
from tracker.reading.gate.resources import Calibration
from tracker.spec.experiment import Experiment
from tracker.store.run import Run
from tracker.training import machine
from tracker.training.live import Live


def observe_short_runs(
    source: Path,
    experiments: Sequence[Experiment],
    root: Path,
    *,
    keep: Collection[int],
    argv: Sequence[str],
    watch: Callable[[Live], None],
    say: Callable[[str], None],
) -> tuple[list[Observed], Calibration]:
    """Run `experiments` (one at least, from the file `source`) under `root`, and look at each.

    Of the curves the steps of `keep` are kept. Raises NotComparable where one fails, and whatever
    `here.execute` raises.
    """
    # Device and threads do not depend on the network.
    chosen = machine.choose(experiments[0].training, Cost(parameters=1, flops=0))
    before = calibrate(chosen)
    jobs = [Job(source, experiment, Run.of(root, experiment)) for experiment in experiments]
    outcomes = here.execute(choose(jobs, "again"), root=root, argv=argv, watch=watch, say=say)
    after = calibrate(chosen)
    observed = []
    for outcome in outcomes:
        if outcome.failure or outcome.run is None:
            name = f"{outcome.experiment.variant} s{outcome.experiment.seed}"
            raise NotComparable(f"{printable(name)} failed: {outcome.failure}")
        observed.append(observe(outcome.run, keep))
    rates = (before.kernels_per_second, after.kernels_per_second)
    return observed, Calibration(
        kernels_per_second=fmean(rates), peak_memory_bytes=before.peak_memory_bytes
    )
