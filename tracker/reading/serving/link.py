"""The address that opens TensorBoard on the question: the curves and pictures that answer it.

Source: the query parameters of TensorBoard 2.21's Time Series page, tried in a browser
(tests/browser); they are not documented.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import quote

from tracker import tags
from tracker.store.index import RunRecord

PINS = 10  # TensorBoard pins no more from an address
DRAWN = 500  # of more runs Time Series selects none by itself, and its curves are empty
TAB = "tracker_compare"  # our own, by the name of its plugin
EXPERIMENT = "defaultExperimentId"  # what TensorBoard calls the one folder it was given
# Colours runs by all of their name but the seed, and the mean of a group as its runs.
BY_VARIANT = r"^(?:compare/)?(.*?)(?:/s\d+(?:\.\d+)?| mean)$"


def question(records: Sequence[RunRecord]) -> tuple[list[str], list[str]]:
    """What to look at first: scalar tags, and the ids of runs to see the pictures of.

    It is the question of the experiment that ran last: the metric it compares by, accuracy and
    loss, and of each of its variants the run of the lowest seed.
    """
    started = [each for each in records if each.started is not None]
    if not started:
        return [tags.ACCURACY_VAL, tags.LOSS_VAL], []
    last = max(started, key=lambda each: each.started or "")
    firsts: dict[str, str] = {}
    for each in started:  # in order of variant, seed and attempt
        if each.experiment == last.experiment:
            firsts.setdefault(each.variant, each.id)
    metrics = dict.fromkeys([last.metric or tags.ACCURACY_VAL, tags.ACCURACY_VAL, tags.LOSS_VAL])
    return list(metrics), list(firsts.values())


def deep_link(url: str, metrics: Sequence[str], pictured: Sequence[str]) -> str:
    """The Time Series page at `url` with its pins set, unsmoothed, runs coloured by variant.

    `metrics` are scalar tags, each pinned with all runs in it. Of each run in `pictured`
    (TensorBoard's names) the predictions and the confusion matrix are pinned, while both fit.
    """
    pins: list[dict[str, object]] = [{"plugin": "scalars", "tag": tag} for tag in metrics[:PINS]]
    shown = pictured[: (PINS - len(pins)) // 2]
    pins += [
        {"plugin": "images", "tag": tag, "runId": f"{EXPERIMENT}/{run}", "sample": 0}
        for tag in (tags.PREDICTIONS, tags.CONFUSION)
        for run in shown  # like beside like, where the page has two columns
    ]
    query = {
        "pinnedCards": json.dumps(pins, separators=(",", ":")),
        "smoothing": "0",  # a curve of one point per epoch is not to be smoothed
        "runColorGroup": f"regex:{BY_VARIANT}",
    }
    # Not quote_plus: TensorBoard reads a plus as a plus.
    encoded = "&".join(f"{key}={quote(value, safe=',:/')}" for key, value in query.items())
    return f"{url}?{encoded}#timeseries"
