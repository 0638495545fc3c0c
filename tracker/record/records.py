"""What a run notes for our own reader, `events.tensors`: values that no tab shows."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tensorboard.compat.proto.summary_pb2 import DataClass, Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from torch import Tensor

from tracker.record import protos

PLUGIN = "tracker"  # no plugin of TensorBoard's own bears this name, so nothing is shown
SIDE = 96  # pixels at most of a picture that is kept


def numbers(tag: str, values: NDArray[Any]) -> Summary.Value:
    """Return an array of numbers as a summary's value."""
    return _value(tag, protos.numbers(values), DataClass.DATA_CLASS_TENSOR)


def files(tag: str, contents: Sequence[bytes]) -> Summary.Value:
    """Return the bytes of some files, in their order, as a summary's value."""
    return _value(tag, protos.strings(contents), DataClass.DATA_CLASS_BLOB_SEQUENCE)


def small_png(image: Tensor) -> bytes:
    """Return `image`, uint8 [3, H, W], as a PNG with no side above `SIDE`; smaller ones as is."""
    picture = Image.fromarray(np.ascontiguousarray(image.cpu().permute(1, 2, 0).numpy()))
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def _value(tag: str, tensor: TensorProto, kind: DataClass.ValueType) -> Summary.Value:
    metadata = SummaryMetadata(
        plugin_data=SummaryMetadata.PluginData(plugin_name=PLUGIN), data_class=kind
    )
    return Summary.Value(tag=tag, tensor=tensor, metadata=metadata)
