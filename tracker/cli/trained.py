"""Options of the commands that use a run's network, and how what it says is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from tracker.reading.table import NOTHING, Table, number

if TYPE_CHECKING:  # torch stays out of `--help`
    from tracker.trained.evaluation import Scored
    from tracker.trained.prediction import Prediction

_WIDEST = 12  # classes of which a confusion matrix is still read
_RUNNERS_UP = 4

checkpoint_option = click.option(
    "--checkpoint",
    type=click.Choice(["best", "last"]),
    default="best",
    show_default=True,
    help="Which weights: best by the experiment's own metric, or the last ones.",
)

_OPTIONS = (
    checkpoint_option,
    click.option(
        "--device",
        type=click.Choice(["auto", "cpu", "cuda", "mps"]),
        default="auto",
        show_default=True,
        help="Where to compute; auto: on a GPU, if there is one.",
    ),
    click.option(
        "--batch-size",
        type=click.IntRange(min=1),
        metavar="N",
        help="Pictures at a time. [default: as the run was evaluated]",
    ),
)


def network_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say with which weights and where to compute."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def predictions_table(predictions: Sequence[Prediction]) -> Table:
    """A row per picture: what it was taken for, how surely, and what else it may be."""
    rows = []
    for one in predictions:
        best, *others = one.guesses
        rest = ", ".join(f"{guess.name} {_share(guess.probability)}" for guess in others)
        rows.append((str(one.path), best.name, _share(best.probability), rest or NOTHING))
    return Table(("picture", "class", "sure", "else"), rows, words=2, tail=1)


def score_facts(scored: Scored) -> dict[str, str]:
    """The numbers of an evaluation by name."""
    facts = {
        "data": scored.what,
        "accuracy": f"{_share(scored.accuracy)} ({scored.right:,} of {scored.count:,})",
    }
    if scored.in_top is not None:
        facts["in 5 likeliest"] = _share(scored.in_top)
    facts["loss"] = number(scored.loss)
    return facts


def classes_table(scored: Scored) -> Table:
    """A row per class there is a picture of, and what its pictures were taken for instead."""
    rows = []
    for at, name in enumerate(scored.classes):
        there, right = scored.of_class(at)
        if there:
            wrong = {other: times for other, times in scored.taken_for(at).items() if other != name}
            shown = [f"{other} {times}" for other, times in wrong.items()][:_RUNNERS_UP]
            cells = (name, str(there), str(right), _share(right / there))
            rows.append((*cells, ", ".join(shown) or NOTHING))
    return Table(("class", "pictures", "right", "accuracy", "taken for"), rows, tail=1)


def confusion_table(scored: Scored) -> Table | None:
    """True classes by row, what they were called by column; None where that is too wide."""
    if len(scored.classes) > _WIDEST:
        return None
    rows = [
        (name, *(str(int(times)) for times in scored.confusion[at]))
        for at, name in enumerate(scored.classes)
        if scored.of_class(at)[0]
    ]
    return Table(("is \\ called", *scored.classes), rows)


def _share(value: float) -> str:
    return f"{100 * value:.1f}%"
