"""Networks as graphs that run without our code: ONNX, and PyTorch's own exported programs.

TorchScript is left out: PyTorch deprecates it in favour of `torch.export`, which both of these use.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from tracker.errors import Damaged, UsageError, printable
from tracker.trained.account import KEY, Account, as_text
from tracker.trained.weights import missing

TOLERANCE = 1e-4  # of the largest logit: ONNX Runtime adds in another order, and fuses norms
INPUT, OUTPUT = "pictures", "logits"
PROGRAM_NOTE = f"{KEY}.json"
_BATCHES = (1, 3)  # pictures in those that a graph is tried with; it was traced with two
_LARGEST_ONNX = 2**31 - 2**20  # bytes: protobuf's limit for one file, less what is no weight


def onnx(model: nn.Module, image_size: int, account: Account) -> tuple[bytes, float]:
    """An ONNX file: float32 [batch, 3, H, W] to logits [batch, C], `account` in its metadata.

    Also returns its `deviation` under ONNX Runtime. Raises Unavailable without the packages,
    UsageError where it would be over 2 GB, Damaged where it computes something else.
    """
    try:
        import onnxruntime
        import onnxscript  # noqa: F401 (torch's exporter is built on it)
        from onnx import checker, helper
    except ModuleNotFoundError as error:
        raise missing("onnx", error) from error
    size = sum(one.nbytes for one in model.state_dict().values())
    if size > _LARGEST_ONNX:
        raise UsageError(
            f"the weights take {size / 1e9:.1f} GB, and an ONNX file holds no more than 2; "
            "use --program or --weights"
        )
    with _quiet():
        exported = torch.onnx.export(
            _traced(model, image_size),
            (_pictures(2, image_size),),
            dynamo=True,
            dynamic_shapes=({0: "batch"},),
            input_names=[INPUT],
            output_names=[OUTPUT],
            verbose=False,
        )
        assert exported is not None
        proto = exported.model_proto
        for node in proto.graph.node:  # where in our source each came from: the reader's no concern
            del node.metadata_props[:]
        helper.set_model_props(proto, {KEY: as_text(account)})
        checker.check_model(proto)
        data: bytes = proto.SerializeToString()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])

    def run(pictures: Tensor) -> Tensor:
        [logits] = session.run([OUTPUT], {INPUT: pictures.numpy()})
        return torch.from_numpy(logits)

    return data, deviation(model, run, image_size, "ONNX Runtime")


def program(model: nn.Module, image_size: int, account: Account) -> tuple[bytes, float]:
    """What torch.export.save makes: for `torch.export.load(FILE).module()`.

    `account` is its extra file `PROGRAM_NOTE`. Also returns its `deviation`. Raises Damaged where
    it computes something else.
    """
    file = io.BytesIO()
    with _quiet():
        torch.export.save(
            _traced(model, image_size), file, extra_files={PROGRAM_NOTE: as_text(account)}
        )
        file.seek(0)
        loaded = torch.export.load(file).module()
    return file.getvalue(), deviation(model, loaded, image_size, "the exported program")


@torch.inference_mode()
def deviation(
    model: nn.Module, other: Callable[[Tensor], Tensor], image_size: int, name: str
) -> float:
    """How far `other`'s logits are off those of `model`, as a share of the largest one.

    On batches of one and of three random pictures. Raises Damaged, naming `name`, where they are
    off by more than `TOLERANCE`, or of another shape.
    """
    worst = 0.0
    for count in _BATCHES:
        pictures = _pictures(count, image_size)
        wanted, found = model(pictures), other(pictures)
        if found.shape != wanted.shape:
            raise Damaged(f"{name} gives {list(found.shape)}, not {list(wanted.shape)}: not kept")
        largest = wanted.abs().max().clamp(min=torch.finfo(wanted.dtype).tiny)
        off = ((found - wanted).abs().max() / largest).item()
        if not off <= TOLERANCE:  # as NaN is not either
            raise Damaged(
                f"{name} computes logits that are off by {off:.1e} of the largest, more than "
                f"{TOLERANCE:g}; nothing was kept"
            )
        worst = max(worst, off)
    return worst


def _traced(model: nn.Module, image_size: int) -> ExportedProgram:
    """The graph of `model` for any number of pictures of one size. Raises UsageError."""
    batch: tuple[dict[int, Any], ...] = ({0: Dim("batch")},)
    try:
        return torch.export.export(model, (_pictures(2, image_size),), dynamic_shapes=batch)
    # whatever the network's own code, timm's perhaps, does that can't be followed
    except Exception as error:
        why = printable(" ".join(str(error).split())[:200])
        raise UsageError(
            f"PyTorch cannot make a graph of {type(model).__name__} ({why}); use --weights"
        ) from error


def _pictures(count: int, image_size: int) -> Tensor:
    """Random pictures, the same every time: as if normalised, [count, 3, H, W]."""
    generator = torch.Generator().manual_seed(count)
    return torch.randn(count, 3, image_size, image_size, generator=generator)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep to themselves what the exporters tell those who develop them."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript")]
    before = [one.level for one in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for one in loggers:
            one.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for one, level in zip(loggers, before, strict=True):
                one.setLevel(level)
