"""How far a run is, in words and numbers: for its directory, its log and whoever watches."""

from __future__ import annotations

import math
import time

from tracker import tags
from tracker.store.summary import DataFacts, Price, Summary
from tracker.training.state import State, Task


def report(task: Task, state: State) -> None:
    """Tell the run directory how far we are, for `tracker ls` in another terminal."""
    task.run.update(state.step, epoch(task, state), summary(task, state))
    task.live.reported = time.monotonic()


def epoch_line(task: Task, state: State) -> str:
    """Return what there is to say after an evaluation."""
    last = {tag: metric.last for tag, metric in state.scores.metrics.items()}
    speed = state.meter.mean_speed  # None in the first interval, which is no measure
    return (
        f"epoch {epoch(task, state):g}/{task.experiment.training.epochs}  step {state.step}  "
        f"loss {last.get(tags.LOSS_TRAIN, math.nan):.3f} → val {last[tags.LOSS_VAL]:.3f}  "
        f"accuracy {last.get(tags.ACCURACY_TRAIN, math.nan):.3f} → val "
        f"{last[tags.ACCURACY_VAL]:.3f}" + (f"  {speed:,.0f} images/s" if speed else "")
    )


def epoch(task: Task, state: State) -> float:
    """Return how many epochs of training data have been seen, as a fraction."""
    return round(state.step / len(task.batches), 3)


def summary(task: Task, state: State) -> Summary:
    """Return what `ls` and `compare` need to know without opening an event file."""
    dataset = task.dataset
    return Summary(
        metrics=state.scores.metrics,
        price=Price(
            parameters=task.cost.parameters,
            flops=task.cost.flops,
            images_per_second=state.meter.mean_speed,
            seconds=round(state.meter.total_seconds, 3),
            peak_memory_bytes=task.machine.peak_memory(),
        ),
        data=DataFacts(
            name=dataset.name,
            digest=dataset.digest,
            train_size=len(dataset.train),
            val_size=len(dataset.val),
            classes=dataset.classes,
        ),
        machine=task.machine.to_document(),
        input=task.expected.to_document(),
        weights=task.weights,
        features=state.features,
    )
