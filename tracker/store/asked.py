"""What a run was asked for, as an Experiment again: for whoever trains it on, or uses it."""

from __future__ import annotations

from tracker.errors import Damaged, SpecError, UsageError, printable
from tracker.spec.experiment import Experiment
from tracker.spec.load import from_document
from tracker.store.files import read_json
from tracker.store.imported import IMPORTED
from tracker.store.run import Run


def asked(run: Run) -> Experiment:
    """The Experiment in experiment.json.

    Raises Damaged or Unavailable, naming the file, and UsageError for a run that was imported:
    nothing tells how that was trained, and there are no weights of it.
    """
    document, where = read_json(run.experiment_file), printable(str(run.experiment_file))
    if not isinstance(document, dict):
        raise Damaged(f"{where} holds no JSON object")
    if IMPORTED in document:
        raise UsageError(
            f"{printable(run.id)} was imported, tracker did not train it: there are no weights "
            "of it, and nothing tells how to train it"
        )
    try:
        return from_document(document, where)
    except SpecError as error:
        raise Damaged(f"{error.problems[0]}") from error
