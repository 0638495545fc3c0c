"""Weights that others trained, by their names: downloaded once, into the cache that torch uses."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import partial
from http.client import HTTPException
from pathlib import Path

import torch
from torch.hub import HASH_REGEX, get_dir

from tracker.errors import Damaged, Unavailable, printable
from tracker.models.catalog import entry
from tracker.models.expected import Expected
from tracker.models.from_timm import PREFIX, config, create
from tracker.models.weights import Taken, read
from tracker.spec.experiment import Model
from tracker.web import receive

Told = Callable[[str], None]  # what goes on just now, for a display


def fetch(spec: Model, image_size: int, told: Told) -> Taken:
    """The weights that `spec.weights` names, of torchvision's or of timm's.

    Raises UsageError where there are none of that name, Unavailable where they cannot be had,
    Damaged where a file is not the one that was published.
    """
    if spec.backbone.startswith(PREFIX):
        return _timms(spec.backbone, image_size, told)
    known = entry(spec.backbone)
    weights = known.named_weights(str(spec.weights)) if known else None
    assert weights is not None, "`expected.check` was asked before"
    source = f"{spec.backbone} {weights.name}"
    path = Path(get_dir(), "checkpoints", weights.url.rpartition("/")[2])
    if not path.exists():
        download(weights.url, path, source, told)
    taken = read(path, source)
    if not taken.sha256.startswith(_prefix(path.name)):
        raise Damaged(
            f"{printable(str(path))} is not the file that was published (its name holds the "
            "beginning of its sha256): it is cut off or altered. Delete it and run again"
        )
    return taken


def download(url: str, path: Path, source: str, told: Told) -> None:
    """Write what `url` holds to `path`, if its sha256 begins as its name says.

    Not by torch's own loader, whose progress bar would be drawn across ours; into the same place,
    by the same rule. Raises Unavailable, leaving nothing behind.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _require_published(receive(url, part, partial(_tell, told, source)), path.name)
        part.replace(path)
    except (OSError, HTTPException, ValueError) as error:
        cause = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise Unavailable(
            f"model.weights: cannot download {source} ({printable(str(cause))}). Either download "
            f"{url} by other means and put it at {printable(str(path))}, or train from null"
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _require_published(digest: str, name: str) -> None:
    if not digest.startswith(_prefix(name)):
        raise OSError("what came is not what was published")


def _tell(told: Told, source: str, done: int, total: int) -> None:
    share = f" ({100 * done // total} %)" if total else ""
    told(f"downloading {source}: {done >> 20} MB{share}")


def expected(backbone: str) -> Expected:
    """What the default weights of a timm model, or those of its tag, were trained with."""
    known = config(backbone)
    side = known.input_size[-1]
    return Expected(
        image_size=side,
        resize=max(side, int(side / known.crop_pct)),
        mean=tuple(known.mean),
        std=tuple(known.std),
        interpolation="bilinear" if known.interpolation == "bilinear" else "bicubic",
    )


def _timms(backbone: str, image_size: int, told: Told) -> Taken:
    known = config(backbone)
    told(f"loading {backbone}")
    try:
        with torch.random.fork_rng(devices=[]):
            donor = create(backbone, known.num_classes, image_size, pretrained=True)
    except (Unavailable, MemoryError):
        raise
    # Whatever the libraries under timm raise where they find no network, no cache and no such file.
    except Exception as error:
        hub = known.hf_hub_id and f"https://huggingface.co/{known.hf_hub_id}"
        place = hub or known.url
        cause = str(error).strip().partition("\n")[0] or type(error).__name__
        raise Unavailable(
            f"model.weights: cannot have the weights of {backbone} ({printable(cause)[:200]}). "
            f"Either bring {place} into timm's cache on a machine with network and copy that "
            "(HF_HOME, TORCH_HOME), or train from null"
        ) from error
    state = donor.state_dict()
    digest = hashlib.sha256()
    for name, one in state.items():
        digest.update(f"{name} {one.dtype} {tuple(one.shape)}\n".encode())
        digest.update(one.contiguous().view(torch.uint8).numpy().data if one.ndim else b"")
    return Taken(state, backbone, digest.hexdigest())


def _prefix(name: str) -> str:
    found = HASH_REGEX.search(name)
    return found[1] if found else ""
