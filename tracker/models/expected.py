"""What can be told of a model block without torch: whether its weights exist, and what they expect.

Asked before anything is imported or made, so that a matrix is refused whole, not at its last run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, get_args

from tracker.errors import Damaged, UsageError, printable
from tracker.models.catalog import Entry, Weights, entry
from tracker.spec.experiment import Data, Experiment, ImageFolder, Interpolation, Model
from tracker.spec.words import listed, nearest

_LARGEST = 4096  # pixels; no experiment can ask for half of that
SIDE = 32  # pixels of every data set that has no image_size, and of image_size where nothing says


@dataclass(frozen=True, kw_only=True)
class Expected:
    """Which pictures a network was trained with: their side, what that was cut out of, and the
    mean and deviation they were normalised by, per channel, white being 1.

    `interpolation` is how pictures are scaled. Where the data set's own were, on their way into the
    network, `scaled_from` is the side they had: others are brought to that first.
    """

    image_size: int
    resize: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: Interpolation = "bilinear"
    scaled_from: int | None = None

    def to_document(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {**asdict(self), "mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def of_document(cls, document: Mapping[str, Any], where: str) -> Expected:
        """What `to_document` gave. Raises Damaged, naming `where`, of anything else."""
        try:
            sides = {key: document[key] for key in ("image_size", "resize")}
            kept = document.get("scaled_from")
            interpolation = document.get("interpolation", "bilinear")
            red, green, blue = map(float, document["mean"])
            other = tuple(map(float, document["std"]))
        except (KeyError, TypeError, ValueError) as error:
            raise Damaged(f"{where}: does not say which pictures it takes") from error
        known = [*sides.values()] + ([] if kept is None else [kept])
        if (
            not all(type(side) is int and 0 < side <= _LARGEST for side in known)
            or (len(other) != 3 or min(other) <= 0)
            or interpolation not in get_args(Interpolation)
        ):
            raise Damaged(f"{where}: says of pictures what cannot be")
        return cls(
            **sides,
            mean=(red, green, blue),
            std=(other[0], other[1], other[2]),
            interpolation=interpolation,
            scaled_from=kept,
        )

    @classmethod
    def of_weights(cls, weights: Weights) -> Expected:
        """What published weights expect."""
        return cls(
            image_size=weights.image_size,
            resize=weights.resize,
            mean=weights.mean,
            std=weights.std,
            interpolation=weights.interpolation,
        )


def published(model: Model) -> Expected | None:
    """What the weights that `model` names expect; None where it names none, or timm's."""
    known = entry(model.backbone)
    name = model.weights
    found = known.named_weights(name) if known and isinstance(name, str) else None
    return Expected.of_weights(found) if found else None


def fitting(data: Data, expected: Expected | None) -> Data:
    """`data` with everything that it leaves to the weights settled; what it says itself stays."""
    if data.interpolation is None and expected is not None:
        data = replace(data, interpolation=expected.interpolation)
    if not isinstance(data, ImageFolder) or data.image_size is not None:
        return data
    size, resize = (expected.image_size, expected.resize) if expected else (SIDE, SIDE)
    return replace(data, image_size=size, resize=resize)


def check(experiment: Experiment) -> None:
    """Raise UsageError where no such weights are published, or the network takes no such pictures.

    Of a timm model, and of pictures whose size another run decides, nothing is known here.
    """
    known = entry(experiment.model.backbone)
    if known is None:
        return
    if isinstance(experiment.model.weights, str):
        _check_name(known, experiment.model.weights)
    _check_side(known, experiment)


def _check_name(known: Entry, name: str) -> None:
    if known.named_weights(name):
        return
    names = [one.name for one in known.weights]
    near = nearest(name, [one.lower() for one in names])
    if not names:
        raise UsageError(
            f"model.weights: nobody publishes weights of {known.backbone}; `tracker models` tells "
            'of whose there are, and {"file": PATH} and {"run": RUN} take others'
        )
    hint = f"did you mean {near.upper()}? " if near else ""
    raise UsageError(
        f"model.weights: {known.backbone} has no weights called {printable(name)}; {hint}Allowed: "
        f"{listed([*names, 'DEFAULT'], 'or')}"
    )


def _check_side(known: Entry, experiment: Experiment) -> None:
    expected, weights = published(experiment.model), experiment.model.weights
    data = experiment.data
    if isinstance(data, ImageFolder) and data.image_size is None and weights and not expected:
        return
    settled = fitting(data, expected)
    side = settled.image_size or SIDE
    remedy = "choose larger pictures (data.image_size) or another model.backbone"
    if side < known.smallest_image:
        raise UsageError(
            f"{known.backbone} takes pictures of {known.smallest_image}×{known.smallest_image} and "
            f"up, and these are {side}×{side}; {remedy}"
        )
    if side % known.multiple_of:
        raise UsageError(
            f"{known.backbone} cuts pictures into patches: their side must be a multiple of "
            f"{known.multiple_of} pixels, and is {side}; {remedy}"
        )
