"""Where training starts from: which weights, and which pictures these expect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from torch import nn

from tracker.data.dataset import Dataset
from tracker.errors import Damaged, Unavailable, printable
from tracker.models import expected, published
from tracker.models.expected import Expected
from tracker.models.from_timm import PREFIX
from tracker.models.mapping import unwrapped
from tracker.models.weights import Taken, install, read
from tracker.spec.experiment import Data, Experiment, ImageFolder, Model, WeightsFile, WeightsRun
from tracker.store import index
from tracker.store.manifest import Entry
from tracker.store.run import Run
from tracker.training import checkpoint

Say = Callable[[str], None]


@dataclass(frozen=True)
class Origin:
    """What is known before anything is built. `expected` is None where weights say nothing of it.

    `taken_up` is the run that goes on from a checkpoint of its own: it needs no other weights, and
    what it was given at first is in its summary. `run` and `entry` are those that
    `model.weights` names, where it names a run.
    """

    expected: Expected | None = None
    taken_up: Run | None = None
    run: Run | None = None
    entry: Entry | None = None


def settle(experiment: Experiment, root: Path, taken_up: Run | None = None) -> Origin:
    """Find out what `experiment` starts from; `root` is where runs are.

    `taken_up`: the run there is already, of which only one with a checkpoint counts. Raises
    NoSuchRun, Unavailable, Damaged and UsageError where its weights cannot be had.
    """
    model = experiment.model
    if taken_up is not None and taken_up.manifest().entries:
        return Origin(expected_by(taken_up), taken_up)
    if isinstance(model.weights, WeightsRun):
        return _of_run(root, model.weights)
    if model.backbone.startswith(PREFIX) and isinstance(model.weights, str):
        return Origin(published.expected(model.backbone))
    return Origin(expected.published(model))


def _of_run(root: Path, asked: WeightsRun) -> Origin:
    run = index.find(root, asked.run)
    return Origin(expected_by(run), None, run, saved(run, asked.checkpoint))


def saved(run: Run, which: Literal["best", "last"]) -> Entry:
    """The checkpoint of `run` that is its best, or its last. Raises Unavailable without one."""
    manifest = run.manifest()
    entry = manifest.best if which == "best" else next(reversed(manifest.kept), None)
    if entry is None:
        hint = ', but a "last" one' if manifest.kept else ""
        raise Unavailable(f"{printable(run.id)} has saved no {which!a} checkpoint yet{hint}")
    return entry


def learned(run: Run, entry: Entry) -> Taken:
    """The weights in a checkpoint that `run` was judged by: its average, where it keeps one.

    Raises Damaged.
    """
    state = checkpoint.load(run, entry)
    where = str(run.checkpoints / entry.file)
    weights = state.get("average") or state.get("model")
    if not isinstance(weights, Mapping):
        raise Damaged(f"{printable(where)}: holds no weights of a network")
    weights = {name: one for name, one in weights.items() if name != "n_averaged"}
    source = f"{run.id} step {entry.step}"
    return Taken(unwrapped(weights, printable(where)), source, entry.sha256)


def expected_by(run: Run) -> Expected | None:
    """What the network of `run` was given; None of a run made before that was kept."""
    facts, where = run.summary().input, printable(str(run.summary_file))
    return None if facts is None else Expected.of_document(facts, where)


def pictures(experiment: Experiment, origin: Origin) -> Data:
    """The experiment's data with everything settled that it leaves to the weights."""
    return expected.fitting(experiment.data, origin.expected)


def normalised(
    dataset: Dataset, experiment: Experiment, origin: Origin
) -> tuple[Dataset, Expected]:
    """`dataset` with the mean and deviation that the network is to be given, and all it expects.

    Those that the experiment names, else those its weights were trained with, else those of the
    training pictures.
    """
    data, known = experiment.data, origin.expected
    if data.mean is not None and data.std is not None:
        dataset = replace(dataset, mean=data.mean, std=data.std)
    elif known is not None:
        dataset = replace(dataset, mean=known.mean, std=known.std)
    settled = pictures(experiment, origin)
    resize = settled.resize if isinstance(settled, ImageFolder) else None
    size = dataset.image_size
    return dataset, Expected(
        image_size=size,
        resize=resize or size,
        mean=dataset.mean,
        std=dataset.std,
        interpolation=settled.interpolation or "bilinear",
        scaled_from=dataset.scaled_from,
    )


def begin_with(
    origin: Origin, model: nn.Module, experiment: Experiment, dataset: Dataset, say: Say, told: Say
) -> Mapping[str, Any] | None:
    """Put the weights that `experiment` names into `model`; return what they are, for the summary.

    `told` hears what takes its time. Nothing is done for a run that goes on from its own
    checkpoint. Raises UsageError where weights and network don't fit, Unavailable, Damaged.
    """
    if origin.taken_up is not None:
        return origin.taken_up.summary().weights
    spec = experiment.model
    if spec.weights is None:
        return None
    taken = _take(origin, spec, dataset, told)
    fresh = install(model, taken, spec, image_size=dataset.image_size, say=say)
    say(f"starting from {printable(taken.source)} (sha256 {taken.sha256[:12]}…)")
    _warn_of_other_classes(origin, fresh, dataset, say)
    return {"source": taken.source, "sha256": taken.sha256, "fresh": list(fresh)}


def _take(origin: Origin, spec: Model, dataset: Dataset, told: Say) -> Taken:
    if isinstance(spec.weights, WeightsFile):
        return read(Path(spec.weights.file).expanduser(), spec.weights.file)
    if origin.run is None or origin.entry is None:
        return published.fetch(spec, dataset.image_size, told)
    return learned(origin.run, origin.entry)


def _warn_of_other_classes(
    origin: Origin, fresh: tuple[str, ...], dataset: Dataset, say: Say
) -> None:
    facts = origin.run.summary().data if origin.run else None
    if facts is None or fresh or facts.classes == dataset.classes:
        return
    say(
        "the head told other classes apart, as many as these: it starts from what it knew; "
        '"fresh": ["head"] starts it anew'
    )
