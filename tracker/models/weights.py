"""What training starts from instead of chance: weights out of a file, put into a network by name.

Nothing is left at random that was not said to be: a layer for which there are no weights, weights
for which there is no layer, another shape or a number that is not finite is an error that names it.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tracker.errors import Damaged, Unavailable, UsageError, printable
from tracker.models.head import heads, in_head
from tracker.models.mapping import translated, unwrapped
from tracker.spec.experiment import Model

_NAMED = 4  # layers that a message lists
_COUNTER = ".num_batches_tracked"  # of a norm; old files have none, and it starts at 0


@dataclass(frozen=True)
class Taken:
    """Weights by name, where they are from, and the sha256 of the file (or of the tensors)."""

    state: Mapping[str, Tensor]
    source: str
    sha256: str


def read(path: Path, source: str) -> Taken:
    """The weights in a file that torch.save wrote, or one that is called .safetensors.

    Nothing but tensors and numbers is unpacked. Raises Unavailable where it is missing, may not be
    read or needs the package safetensors, Damaged where it holds anything else.
    """
    where = printable(str(path))
    try:
        if not path.is_file():  # a pipe of that name would make us wait for ever
            raise Unavailable(f"model.weights: there is no file {where}")
        data = path.read_bytes()
    except OSError as error:
        raise Unavailable(f"model.weights: cannot read {where}: {error.strerror}") from error
    unpacked = _safetensors if path.suffix.lower() == ".safetensors" else _unpickled
    try:
        loaded = unpacked(data)
    except (MemoryError, Unavailable):
        raise
    # Both raise whatever they trip over in a stranger's bytes.
    except Exception as error:
        raise Damaged(f"{where} is no file of weights, or holds more than these") from error
    return Taken(unwrapped(loaded, where), source, hashlib.sha256(data).hexdigest())


def _unpickled(data: bytes) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it thinks of a stranger's bytes, we say
        return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)


def _safetensors(data: bytes) -> Any:
    try:
        from safetensors.torch import load
    except ModuleNotFoundError as error:
        raise Unavailable(
            "model.weights: a .safetensors file needs the package safetensors, which is not "
            "installed; run: pip install 'tracker[export]'"
        ) from error
    return load(data)


def install(
    model: nn.Module, taken: Taken, spec: Model, *, image_size: int, say: Callable[[str], None]
) -> tuple[str, ...]:
    """Put `taken` into `model`, all but what `spec.fresh` names; return the parts left at random.

    The head of a network for another number of classes is such a part too: `say` is told. Raises
    UsageError where they don't fit.
    """
    found = translated(taken.state, model, spec, image_size)
    wanted = {name: one for name, one in model.state_dict().items() if not name.endswith(_COUNTER)}
    fresh = _resolved(model, spec.fresh)
    paths = heads(model)
    kept = [name for name in wanted if in_head(name, paths) and not in_head(name, fresh)]
    if any(name not in found or found[name].shape != wanted[name].shape for name in kept):
        fresh = (*fresh, *(path for path in paths if path not in fresh))
        last = f"{paths[-1]}.weight"
        were = f"not {len(found[last])}" if last in found else "which the weights have not"
        say(f"head {paths[-1]}: new, for {len(wanted[last])} classes, {were}")
    _check(found, wanted, fresh, taken.source)
    with torch.no_grad():
        for name, one in model.state_dict().items():
            if name in found and not in_head(name, fresh):
                one.copy_(found[name])
    return fresh


def _check(
    found: Mapping[str, Tensor],
    wanted: Mapping[str, Tensor],
    fresh: Sequence[str],
    source: str,
) -> None:
    """Raise UsageError, naming them, where weights and layers don't fit each other."""
    faults = []
    needed = {name: one for name, one in wanted.items() if not in_head(name, tuple(fresh))}
    missing = [name for name in needed if name not in found]
    faults += [f"they have no {_some(missing)}"] if missing else []
    strange = [name for name in found if name not in wanted and not name.endswith(_COUNTER)]
    strange = [name for name in strange if not in_head(name, tuple(fresh))]
    faults += [f"the network has no {_some(strange)}"] if strange else []
    both = {name: (found[name], one) for name, one in needed.items() if name in found}
    shapes = [
        f"{name} {list(theirs.shape)} instead of {list(ours.shape)}"
        for name, (theirs, ours) in both.items()
        if theirs.shape != ours.shape
    ]
    faults += [f"of another shape are {_some(shapes)}"] if shapes else []
    kinds = [
        f"{name} {_kind(theirs)} instead of {_kind(ours)}"
        for name, (theirs, ours) in both.items()
        if theirs.is_floating_point() != ours.is_floating_point()
    ]
    faults += [f"of another kind are {_some(kinds)}"] if kinds else []
    odd = [
        name
        for name, (theirs, _) in both.items()
        if theirs.is_floating_point() and not theirs.isfinite().all()
    ]
    faults += [f"not finite are {_some(odd)}"] if odd else []
    if faults:
        raise UsageError(
            f"model.weights: {printable(source)} does not fit: {'; '.join(faults)}. Choose the "
            "model.backbone (and stem, width) it was trained with, or name in model.fresh what is "
            "to start at random"
        )


def _resolved(model: nn.Module, names: Sequence[str]) -> tuple[str, ...]:
    """Paths for `names`, of which head and stem mean the same in every network."""
    paths: list[str] = []
    for name in names:
        paths += parts(model, name)
    return tuple(dict.fromkeys(paths))


def parts(model: nn.Module, name: str) -> tuple[str, ...]:
    """The paths that `name` means in `model`: "head", "stem", or a layer by its own name.

    Raises UsageError where there is nothing of that name.
    """
    if name == "head":
        return heads(model)
    if name == "stem":
        first = (path for path, one in model.named_modules() if isinstance(one, nn.Conv2d))
        return (next(first, ""),)
    if not any(in_head(one, (name,)) for one in model.state_dict()):
        known = dict.fromkeys(one.partition(".")[0] for one in model.state_dict())
        raise UsageError(
            f"model: no layer's name begins with {printable(name)}; this network is made of "
            f"{', '.join(known)}"
        )
    return (name,)


def _kind(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _some(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    shown = ", ".join(map(printable, names[:_NAMED]))
    return shown + (f" and {more} more" if more > 0 else "")
