"""What the Compare tab shows, as JSON: a comparison of the runs under a log directory, now."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

from tracker.errors import TrackerError
from tracker.reading.comparison.as_of import compare_at
from tracker.reading.comparison.bands import read_curves
from tracker.reading.comparison.document import to_document
from tracker.reading.comparison.groups import NAMES, differing, settings
from tracker.reading.comparison.result import Comparison, Value
from tracker.reading.comparison.words import sentences
from tracker.reading.gallery import Gallery, gallery
from tracker.reading.report.confusions import confusions
from tracker.reading.report.curves import HEIGHT, WIDTH, Plot, plots, series_of
from tracker.reading.report.evaluated import Judged
from tracker.reading.report.scores import scores
from tracker.reading.report.settings import asked
from tracker.reading.tab import foreign
from tracker.reading.tab.places import Place, places, version
from tracker.store.index import RunRecord, record
from tracker.store.run import Run

OTHERS = ""  # the experiment of event files that tracker did not write
When: TypeAlias = Literal["now", "end"]
_KEPT = 4  # answers; a page asks the same again until something changes


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked: the runs of an experiment (None: of the one that changed last), grouped and
    judged as `compare` does it.

    `when`: "end" takes finished runs alone; "now", while some are being written, takes all runs as
    they were at the last step that all those have reached.
    """

    experiment: str | None = None
    by: str | None = None
    metric: str | None = None
    value: Value = "last"
    reference: str | None = None
    when: When = "now"


@dataclass(frozen=True, eq=False)
class Answer:
    """The document, and what is fetched beside it: a gallery, and its pictures by their names.

    `names` are the groups' by their numbers, `reference` that of the one others are held against.
    """

    document: Mapping[str, Any]
    names: tuple[str, ...] = ()
    reference: str = ""
    gallery: Gallery | None = None
    pictures: Mapping[str, bytes] = field(default_factory=dict)


def look(logdir: Path, question: Question, known: str = "") -> tuple[str, Answer | None]:
    """The state of the runs asked about, as a word, and the answer, unless `known` is that word."""
    remarks: list[str] = []
    by_experiment = _experiments(places(logdir, remarks))
    chosen = question.experiment
    if chosen not in by_experiment:
        chosen = _latest(by_experiment)
    found = tuple(by_experiment.get(chosen, ()))
    state = version(found)
    if state == known:
        return state, None
    question = replace(question, experiment=chosen)
    return state, _answer(found, tuple(sorted(by_experiment)), question, tuple(remarks))


def evaluation(answer: Answer, step: int) -> dict[str, Any]:
    """What the groups made of the pictures at `step`; no groups where the gallery has none then."""
    shown = answer.gallery
    if shown is None or step not in shown.steps:
        return {"step": step, "groups": [], "confusions": None}
    numbers = {name: at for at, name in enumerate(answer.names)}
    return {
        "step": step,
        "groups": [
            {
                "number": numbers[name],
                "classes": told.predictions[step].classes.tolist(),
                "confidence": told.predictions[step].confidence.tolist(),
            }
            for name, told in shown.noted.items()
        ],
        "confusions": _confusions(shown, numbers, answer.reference, step),
    }


def _confusions(
    shown: Gallery, numbers: Mapping[str, int], reference: str, step: int
) -> dict[str, Any] | None:
    of_groups = [
        Judged(numbers[name], name, (told,), (), told.confusion.get(step))
        for name, told in shown.noted.items()
    ]
    found = confusions(of_groups, reference)
    return asdict(found) if found else None


@lru_cache(_KEPT)
def _answer(
    found: Sequence[Place], experiments: Sequence[str], question: Question, remarks: Sequence[str]
) -> Answer:
    is_foreign = question.experiment == OTHERS
    records = foreign.records(found) if is_foreign else [record(Run(one.path)) for one in found]
    # Of a damaged run nobody knows what was asked of it.
    told = [settings(one) for one in records if one.state != "damaged"]
    axes = [] if is_foreign else differing(told)
    document: dict[str, Any] = {
        "experiments": list(experiments),
        "experiment": question.experiment,
        "states": dict(Counter(one.state for one in records)),
        "axes": [path for path in axes if path not in NAMES],
        "tags": sorted({tag for one in records for tag in one.metrics}),
    }
    try:
        comparison = _compared(records, question, ["variant"] if is_foreign else None)
        series = series_of(comparison)
        curves = read_curves([each.group for each in comparison.groups], series)
        shown = gallery(curves.groups)
        document |= _shown(
            replace(comparison, remarks=(*comparison.remarks, *curves.remarks, *remarks)),
            plots(curves, series),
            shown,
        )
    except TrackerError as error:
        return Answer({**document, "why": str(error)})
    except OSError as error:  # a run was removed while it was read
        return Answer({**document, "why": f"a run cannot be read: {error.strerror}"})
    pictures = shown.pictures if shown else ()
    return Answer(
        document={**document, "step": comparison.step},
        names=tuple(each.group.name for each in comparison.groups),
        reference=comparison.reference,
        gallery=shown,
        pictures={_name(png): png for png in pictures},
    )


def _compared(records: Sequence[RunRecord], question: Question, by: list[str] | None) -> Comparison:
    """The comparison, as of the step that all have come to if any is being written."""
    step = _common_step(records, question.metric) if question.when == "now" else None
    return compare_at(
        records,
        step,
        by=[question.by] if question.by else by,
        metrics=[question.metric] if question.metric else (),
        value=question.value,
        reference=question.reference,
        alone=True,
    )


def _common_step(records: Sequence[RunRecord], tag: str | None) -> int | None:
    """The last evaluation that all runs being written and all finished ones have; None where none
    is being written, or none has come to its first evaluation."""
    if not any(one.state == "running" for one in records):
        return None
    steps = [
        one.metrics[metric].last_step
        for one in records
        if one.state in ("running", "finished")
        and (metric := tag or one.metric) is not None
        and metric in one.metrics
    ]
    return min(steps, default=None)


def _shown(comparison: Comparison, drawn: Sequence[Plot], shown: Gallery | None) -> dict[str, Any]:
    return {
        "comparison": to_document(comparison),
        "alone": sentences(comparison)[0] if len(comparison.groups) == 1 else None,
        "scores": [asdict(scores(comparison, tag)) for tag in comparison.metrics],
        "plots": [{**asdict(plot), "width": WIDTH, "height": HEIGHT} for plot in drawn],
        "settings": asdict(asked(comparison)),
        "gallery": shown
        and {
            "classes": shown.classes,
            "pictures": [_name(png) for png in shown.pictures],
            "indices": shown.indices.tolist(),
            "labels": shown.labels.tolist(),
            "runs": {name: run.id for name, run in shown.runs.items()},
            "steps": shown.steps,
        },
    }


def _name(png: bytes) -> str:
    """A picture by its content: the same one has one address in every run."""
    return hashlib.sha256(png).hexdigest()[:32]


def _experiments(found: Sequence[Place]) -> dict[str, list[Place]]:
    by_name: dict[str, list[Place]] = {}
    for place in found:
        by_name.setdefault(place.experiment if place.is_ours else OTHERS, []).append(place)
    return by_name


def _latest(by_name: Mapping[str, Sequence[Place]]) -> str:
    """The experiment that changed last; ours before event files of others."""

    def changed(name: str) -> tuple[bool, int]:
        times = [time for place in by_name[name] for *_, time in place.files]
        return name != OTHERS, max(times, default=0)

    return max(by_name, key=changed, default=OTHERS)
