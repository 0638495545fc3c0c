"""A network as a file for other programs, put in its place only once it has been read back.

Every writer here gives bytes that it has loaded again and held against the network itself, so what
`export` writes is right or is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from tracker.errors import Unavailable, UsageError, printable
from tracker.store.files import write_atomic
from tracker.trained import graphs, weights
from tracker.trained.account import account
from tracker.trained.network import Network
from tracker.training.small_maps import as_convolutions


@dataclass(frozen=True)
class Written:
    """A file that was exported. `deviation`: see `graphs.deviation`; None of weights, which are
    the same bits."""

    path: Path
    size: int
    deviation: float | None


# By what is asked for, then by the ending of the file's name.
FORMATS: Mapping[str, Mapping[str, Callable[..., tuple[bytes, float | None]]]] = {
    "weights": {
        ".safetensors": weights.safetensors,
        ".pth": weights.state_dict,
        ".pt": weights.state_dict,
    },
    "onnx": {".onnx": graphs.onnx},
    "program": {".pt2": graphs.program},
}


def check(kind: str, path: Path) -> None:
    """Raise UsageError for a file name of another ending than `kind` has, and Unavailable where
    its folder is not there: before anything is computed."""
    endings = FORMATS[kind]
    if path.suffix.lower() not in endings:
        raise UsageError(
            f"--{kind} {printable(str(path))}: the name must end in {' or '.join(endings)}"
        )
    if not path.parent.is_dir():
        raise Unavailable(f"--{kind}: there is no folder {printable(str(path.parent))}")


def export(network: Network, kind: str, path: Path) -> Written:
    """Write `network`, one on the CPU, to `path`, as its ending says; an older file is replaced.

    Raises Unavailable where a package is missing or the disk refuses, and Damaged where what was
    written does not compute what the network computes: nothing is written then.
    """
    write = FORMATS[kind][path.suffix.lower()]
    data, deviation = write(_plain(network), network.expected.image_size, account(network))
    write_atomic(path, data)
    return Written(path, len(data), deviation)


def _plain(network: Network) -> nn.Module:
    """The network's model with its weights laid out, and put to use, as everybody expects."""
    as_convolutions(network.model)
    return network.model.to(memory_format=torch.contiguous_format)
