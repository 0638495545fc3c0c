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
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.compat.proto.types_pb2 import DT_FLOAT, DT_INT32, DT_INT64, DT_STRING
from torch import Tensor

PLUGIN = "tracker"  # no plugin of TensorBoard's own bears this name, so nothing is shown
SIDE = 96  # pixels at most of a picture that is kept

_TYPES = {"float32": DT_FLOAT, "int32": DT_INT32, "int64": DT_INT64}


def numbers(tag: str, values: NDArray[Any]) -> Summary.Value:
    """Return `values`, float32, int32 or int64 of any shape, as a summary's value."""
    tensor = TensorProto(
        dtype=_TYPES[values.dtype.name],
        tensor_shape=_shape(values.shape),
        tensor_content=values.astype(values.dtype.newbyteorder("<")).tobytes(),
    )
    return _value(tag, tensor, DataClass.DATA_CLASS_TENSOR)


def files(tag: str, contents: Sequence[bytes]) -> Summary.Value:
    """Return the bytes of some files, in their order, as a summary's value."""
    tensor = TensorProto(
        dtype=DT_STRING, tensor_shape=_shape((len(contents),)), string_val=contents
    )
    return _value(tag, tensor, DataClass.DATA_CLASS_BLOB_SEQUENCE)


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


def _shape(sizes: Sequence[int]) -> TensorShapeProto:
    return TensorShapeProto(dim=[TensorShapeProto.Dim(size=size) for size in sizes])
