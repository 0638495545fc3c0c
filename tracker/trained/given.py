"""Labelled pictures to score a network on: a run's own, an experiment's, or a folder of folders."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from tracker.data.batches import Loader
from tracker.data.build import DATASETS
from tracker.data.build import build as build_data
from tracker.data.decode import EXTENSIONS
from tracker.data.files import refusal
from tracker.errors import Unavailable, UsageError, printable
from tracker.spec.experiment import Data, ImageFolder
from tracker.spec.load import from_document, load
from tracker.spec.words import nearest
from tracker.trained.network import Network
from tracker.trained.pictures import below, decoded

Say = Callable[[str], None]

_SPLITS = ("val", "test")  # as data sets name what is judged on


@dataclass(frozen=True, eq=False)
class Given:
    """Pictures of one split and what they show.

    `what` says it in words. `labels` is int64 [N], into `classes`. `batches`, handed a batch size,
    gives them in order, uint8 [B, 3, side, side] on the CPU. `digest` is that of the whole data
    set, as runs keep it; None where there is no such thing.
    """

    what: str
    classes: tuple[str, ...]
    labels: Tensor
    side: int
    batches: Callable[[int], Iterator[Tensor]]
    digest: str | None = None


def given(network: Network, data: str | None, say: Say) -> Given:
    """What `data` means: a folder, an experiment file, a data set by name; None: the run's own.

    Pictures are cut and scaled as the network had its own. Raises Unavailable where there is
    nothing, UsageError for a single picture, and what reading an experiment or building a data set
    raises.
    """
    if data is None:
        return _own(network, say)
    path = Path(os.path.expanduser(data))  # noqa: PTH111 (Path's raises without a home)
    if data and path.is_dir():
        return _folder(network, path, say)
    if path.is_file() and path.suffix.lower() in EXTENSIONS:
        raise UsageError(
            f"--data {printable(data)} is one picture: name a folder with a folder per class, or "
            "use `tracker predict`"
        )
    if path.is_file():
        return _split(network, _asked_for(path), f"the validation pictures of {data}", say)
    if data in DATASETS:
        document = {"name": "evaluated", "data": {"name": data}}
        return _split(network, from_document(document).data, f"validation pictures: {data}", say)
    near = nearest(data, DATASETS)
    hint = f"; did you mean {near}?" if near else ""
    raise Unavailable(
        f"--data {printable(data)}: there is no such folder, experiment file or data set{hint}"
    )


def matched(classes: Sequence[str], known: Sequence[str]) -> Tensor:
    """Where each of `classes` stands in `known`, by name: int64 [C].

    Raises UsageError, naming them, where some do not.
    """
    places = {name: place for place, name in enumerate(known)}
    strange = [name for name in classes if name not in places]
    if strange:
        near = nearest(strange[0], known)
        hint = f" ({strange[0]!a}: did you mean {near!a}?)" if near else ""
        raise UsageError(
            f"these pictures show {_some(strange)}, which the run never learned{hint}. It tells "
            f"apart {_some(known)}. Rename the folders, leave them out, or name an experiment "
            "whose data.classes does"
        )
    return torch.tensor([places[name] for name in classes], dtype=torch.int64)


def _own(network: Network, say: Say) -> Given:
    run = network.run.id
    try:
        return _split(network, network.experiment.data, f"the validation pictures of {run}", say)
    except Unavailable as error:
        raise Unavailable(
            f"the pictures that {printable(run)} was judged on are not there ({error}); go where "
            "it was trained, or name others with --data"
        ) from error


def _asked_for(path: Path) -> Data:
    blocks = list(dict.fromkeys(one.data for one in load(path)))
    if len(blocks) > 1:
        raise UsageError(
            f"{printable(str(path))} asks for {len(blocks)} different data sets; name one that "
            "asks for one"
        )
    return blocks[0]


def _split(network: Network, spec: Data, what: str, say: Say) -> Given:
    """The validation split of the data set that `spec` asks for."""
    asked = network.expected
    spec = replace(spec, image_size=asked.image_size, interpolation=asked.interpolation)
    if isinstance(spec, ImageFolder):
        spec = replace(spec, resize=asked.resize)
    dataset = build_data(spec, log=say)

    def batches(batch_size: int) -> Iterator[Tensor]:
        split = dataset.val
        loader = Loader(
            split, batch_size, mean=dataset.mean, std=dataset.std, device=torch.device("cpu")
        )
        plan = torch.split(torch.arange(len(split)), batch_size)
        return (images for images, _ in loader.pictures(plan))

    side = dataset.scaled_from or dataset.image_size
    return Given(what, dataset.classes, dataset.val.labels, side, batches, dataset.digest)


def _folder(network: Network, root: Path, say: Say) -> Given:
    """A folder of class folders; where there are splits in `root`, that of validation."""
    folder = next((root / name for name in _SPLITS if (root / name).is_dir()), root)
    classes: list[str] = []
    paths: list[Path] = []
    labels: list[int] = []
    others = 0
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(".") or not entry.is_dir():
            continue
        files = list(below(entry))
        pictures = [file for file in files if file.suffix.lower() in EXTENSIONS]
        others += len(files) - len(pictures)
        if pictures:
            labels += [len(classes)] * len(pictures)
            classes.append(entry.name)
            paths += pictures
    shown = printable(str(folder))
    if not paths:
        raise Unavailable(
            f"no labelled pictures in {shown}: there must be a folder per class, as in "
            f"{shown}/{printable(network.classes[0])}/1.jpg"
        )
    if others:
        say(f"left out, not being named like pictures: {others:,} in {shown}")

    def batches(batch_size: int) -> Iterator[Tensor]:
        faults: list[str] = []

        def note(path: Path, why: str) -> None:
            faults.append(f"{printable(str(path))} ({why})")

        for _, images in decoded(paths, network.decode, batch_size, note):
            yield images
        if faults:  # all are named at once; what came after the first went with the wrong labels
            raise refusal(faults, len(paths))

    truth = torch.tensor(labels, dtype=torch.int64)
    side = network.expected.scaled_from or network.expected.image_size
    return Given(f"the pictures in {folder}", tuple(classes), truth, side, batches)


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(ascii(name) for name in names[:5])
    return shown + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")
