"""Event files that others wrote, as runs that can be compared: by folder, with goals guessed."""

from __future__ import annotations

from collections.abc import Sequence

from tracker.events.reader import read_scalars
from tracker.reading.adopting.account import account
from tracker.reading.adopting.goals import main_metric
from tracker.reading.comparison.evidence import damage
from tracker.reading.tab.places import Place
from tracker.store.index import RunRecord
from tracker.store.run import Run


def records(found: Sequence[Place]) -> list[RunRecord]:
    """A record per folder with scalars. Folders side by side in one are repeats, unless all are;
    those in the log directory itself are not.

    Folders of one name stand for one seed: nobody said which run belongs to which otherwise.
    """
    is_flat = len({_above(place) for place in found}) == 1
    names = sorted({_own(place) for place in found})
    made = (
        _record(place, place.name, 0)
        if is_flat or not _above(place)
        else _record(place, _above(place), names.index(_own(place)))
        for place in found
    )
    return [one for one in made if one is not None]


def _record(place: Place, variant: str, seed: int) -> RunRecord | None:
    try:
        found = read_scalars(place.path)
    except OSError:  # it went meanwhile
        return None
    told = account(found.series, {}, 0.0)
    cause = damage(found.reports)
    metrics = told.summary.metrics
    if not metrics and not cause:
        return None
    return RunRecord(
        id=place.name,
        run=Run(place.path),
        experiment="",
        variant=variant,
        seed=seed,
        attempt=1,
        state="damaged" if cause else "finished",
        cause=cause,
        started=f"{told.begin:020.6f}",  # only ever sorted by
        step=told.step,
        metric=main_metric(list(metrics)),
        metrics=metrics,
        # It is compared by its variant; without a model that would be a setting too.
        asked={"model": {}},
    )


def _above(place: Place) -> str:
    return place.name.rpartition("/")[0]


def _own(place: Place) -> str:
    return place.name.rpartition("/")[2]
