"""What one field may be given another: rules between fields, which a schema can't state.

Each rule is told apart from the checking of single fields so that it can be read alone. A rule
whose fields are themselves wrong says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from tracker.spec.node import INVALID
from tracker.spec.words import listed, show
from tracker.tags import GOALS

Finding: TypeAlias = tuple[str, str]  # dotted path of the field to point at, and what is wrong

_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
_PICTURES = {"cifar10": 50_000}  # training pictures where train_size is null
_SIDE = 32  # pixels, of every data set that has no image_size


class _Unknown(Exception):  # noqa: N818  # control flow of `broken`, not an error
    """A rule asked for a field that is wrong or that its variant hasn't."""


class Filled:
    """A checked document: `filled("training.epochs")` is that field's value."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def __call__(self, path: str) -> Any:
        """The value at a dotted path. Leaves the rule where there is none or it is wrong."""
        value: Any = self.document
        for part in path.split("."):
            if not isinstance(value, dict) or part not in value:
                raise _Unknown
            value = value[part]
        if value is INVALID:
            raise _Unknown
        return value


Rule: TypeAlias = Callable[[Filled], Iterator[Finding]]


def broken(document: dict[str, Any]) -> list[Finding]:
    """Every rule that a filled-in document breaks."""
    return [finding for rule in RULES for finding in _findings(rule, Filled(document))]


def _findings(rule: Rule, the: Filled) -> list[Finding]:
    try:
        return list(rule(the))
    except _Unknown:
        return []


def _names(the: Filled) -> Iterator[Finding]:
    name = the("name")
    if _RESERVED.fullmatch(name):
        yield "name", f"{show(name)} is a name that Windows reserves for a device"
    if name.endswith("."):
        yield "name", f"{show(name)} ends in '.', which Windows drops"


def _variants(the: Filled) -> Iterator[Finding]:
    variant = the("variant")
    if variant is not None and (_RESERVED.fullmatch(variant) or variant.endswith(".")):
        yield "variant", f"{show(variant)} is a name that Windows reserves or changes"


def _batch_fits_the_data(the: Filled) -> Iterator[Finding]:
    size = the("data.train_size") or _PICTURES.get(the("data.name"))
    batch = the("training.batch_size")
    if size is not None and batch > size:
        where = "data.train_size" if the("data.train_size") else the("data.name")
        yield "training.batch_size", f"is {batch}, more than the {size} pictures of {where}"


def _warmup_is_shorter(the: Filled) -> Iterator[Finding]:
    warmup, epochs = the("schedule.warmup_epochs"), the("training.epochs")
    if warmup >= epochs:
        yield (
            "schedule.warmup_epochs",
            f"is {warmup:g}, and training.epochs is {epochs}: it must be shorter",
        )


def _step_is_reached(the: Filled) -> Iterator[Finding]:
    step, epochs = the("schedule.step_epochs"), the("training.epochs")
    if step >= epochs:
        yield "schedule.step_epochs", f"is {step}, and training.epochs is {epochs}: it never drops"


def _milestones_are_reached(the: Filled) -> Iterator[Finding]:
    milestones, epochs = the("schedule.milestones"), the("training.epochs")
    if milestones != sorted(set(milestones)):
        yield "schedule.milestones", f"must rise, and are {listed([str(m) for m in milestones])}"
    if max(milestones) >= epochs:
        yield (
            "schedule.milestones",
            f"hold {max(milestones)}, and training.epochs is {epochs}: it is never reached",
        )


def _lr_falls(the: Filled) -> Iterator[Finding]:
    lowest, lr = the("schedule.min_lr"), the("optimizer.lr")
    if lowest >= lr:
        yield "schedule.min_lr", f"is {lowest:g}, and optimizer.lr is {lr:g}: it must be lower"


def _nesterov_has_momentum(the: Filled) -> Iterator[Finding]:
    if the("optimizer.nesterov") and the("optimizer.momentum") == 0:
        yield "optimizer.nesterov", "is true, and optimizer.momentum is 0: it needs a momentum"


def _crop_fits(the: Filled) -> Iterator[Finding]:
    side, padding = _side(the), the("data.crop_padding")
    if padding >= side:
        yield (
            "data.crop_padding",
            f"is {padding}, and pictures have a side of {side}: it must be less",
        )


def _cutout_fits(the: Filled) -> Iterator[Finding]:
    side, size = _side(the), the("data.cutout_size")
    if size > side:
        yield "data.cutout_size", f"is {size}, and pictures have a side of {side}: it must fit"


def _side(the: Filled) -> int:
    return int(the("data.image_size") if the("data.name") == "image_folder" else _SIDE)


def _goal(block: str) -> Rule:
    """Loss is better when lower, accuracy when higher; of some series the file decides."""

    def rule(the: Filled) -> Iterator[Finding]:
        metric, goal = the(f"{block}.metric"), the(f"{block}.goal")
        right = GOALS.get(metric, goal)
        if goal != right:
            yield f"{block}.goal", f'is "{goal}", and {block}.metric is {metric}: write "{right}"'

    return rule


RULES: tuple[Rule, ...] = (
    _names,
    _variants,
    _batch_fits_the_data,
    _warmup_is_shorter,
    _step_is_reached,
    _milestones_are_reached,
    _lr_falls,
    _nesterov_has_momentum,
    _crop_fits,
    _cutout_fits,
    _goal("training.early_stopping"),
    _goal("checkpoint"),
    _goal("compare"),
)
