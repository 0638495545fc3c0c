"""Everything a report shows, gathered from the runs' files before a word of it is written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tracker.reading.comparison.bands import read_curves
from tracker.reading.comparison.result import Comparison
from tracker.reading.comparison.tables import price_table, price_title, reaches
from tracker.reading.comparison.words import question, sentences
from tracker.reading.report import evaluated
from tracker.reading.report.confusions import Confusions, confusions
from tracker.reading.report.curves import Plot, plots, series_of
from tracker.reading.report.evaluated import RUNS, Judged, Shown, Stored
from tracker.reading.report.origins import Origins, origins
from tracker.reading.report.scores import Scores, scores
from tracker.reading.report.settings import Asked, asked
from tracker.reading.table import Table
from tracker.store.index import RunRecord
from tracker.version import __version__


@dataclass(frozen=True)
class Verdict:
    """A sentence on one group, and what it comes to (an `Outcome`), which is never told by
    colour alone."""

    outcome: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """A page, section by section.

    `names` are the groups' by their numbers, `description` is what the experiments say of
    themselves. `seeing` are the groups in the cells of each of `pictures`, in their order; `stored`
    are the pictures of groups that kept no numbers. `sampled` is the number of runs that stand for
    larger groups in pictures and confusions, None where all groups are whole. `command` makes the
    report.
    """

    title: str
    made: str
    version: str
    runs: int
    description: str
    question: str
    verdicts: tuple[Verdict, ...]
    remarks: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]
    names: tuple[str, ...]
    scores: tuple[Scores, ...]
    plots: tuple[Plot, ...]
    price: Table
    price_title: str
    reaches: tuple[str, ...]
    seeing: tuple[Judged, ...]
    pictures: tuple[Shown, ...]
    confusions: Confusions | None
    sampled: int | None
    stored: tuple[Stored, ...]
    asked: Asked
    origins: Origins
    command: str

    @property
    def is_alone(self) -> bool:
        """Whether there is but one group, so that nothing is compared."""
        return len(self.names) == 1


def gather(comparison: Comparison, *, command: str, now: datetime) -> Report:
    """Read the curves, pictures and circumstances of all members of `comparison`.

    `command` makes the report. Nothing after the comparison's step is shown, and no curve or
    picture of a run whose event files are damaged; it is named instead.
    """
    runs = [run for each in comparison.groups for run in each.group.members.values()]
    series = series_of(comparison)
    curves = read_curves([each.group for each in comparison.groups], series, comparison.step)
    groups = curves.groups
    of_groups = [evaluated.ask(at, group, comparison.step) for at, group in enumerate(groups)]
    seeing, pictures = evaluated.shown(of_groups)
    silent = [
        group
        for group, one in zip(groups, of_groups, strict=True)
        if group.members and not one.predictions and one.confusion is None
    ]
    return Report(
        title=", ".join(dict.fromkeys(run.experiment for run in runs)),
        made=now.strftime("%Y-%m-%d %H:%M UTC"),
        version=__version__,
        runs=len(runs),
        description="\n".join(dict.fromkeys(filter(None, map(_description, runs)))),
        question=question(comparison),
        verdicts=tuple(_verdicts(comparison)),
        remarks=(*comparison.remarks, *curves.remarks),
        left_out=tuple((one.run, one.reason) for one in comparison.left_out),
        names=tuple(group.name for group in groups),
        scores=tuple(scores(comparison, tag) for tag in comparison.metrics),
        plots=tuple(plots(curves, series)),
        price=price_table(comparison),
        price_title=price_title(comparison).capitalize(),
        reaches=tuple(reaches(comparison)),
        seeing=tuple(seeing),
        pictures=tuple(pictures),
        confusions=confusions(of_groups, comparison.reference),
        sampled=RUNS if any(len(group.members) > RUNS for group in groups) else None,
        stored=tuple(one for group in silent for one in evaluated.stored(group)),
        asked=asked(comparison),
        origins=origins(comparison),
        command=command,
    )


def _description(run: RunRecord) -> str:
    found = run.asked.get("description")
    return found if isinstance(found, str) else ""


def _verdicts(comparison: Comparison) -> list[Verdict]:
    """A sentence on each group but the reference; of a single group, on that."""
    tag = comparison.metric
    outcomes = [
        verdict.outcome if (verdict := each.scores[tag].verdict) else ""
        for each in comparison.others or comparison.groups
    ]
    return [
        Verdict(outcome, f"{words}.")
        for outcome, words in zip(outcomes, sentences(comparison), strict=True)
    ]
