"""Arrays and strings as the tensors that events hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.compat.proto.types_pb2 import DT_DOUBLE, DT_FLOAT, DT_INT32, DT_INT64, DT_STRING

_TYPES = {"float32": DT_FLOAT, "float64": DT_DOUBLE, "int32": DT_INT32, "int64": DT_INT64}


def numbers(values: NDArray[Any]) -> TensorProto:
    """Return an array of any shape, of float32, float64, int32 or int64."""
    return TensorProto(
        dtype=_TYPES[values.dtype.name],
        tensor_shape=_shape(values.shape),
        tensor_content=values.astype(values.dtype.newbyteorder("<")).tobytes(),
    )


def strings(values: Sequence[bytes]) -> TensorProto:
    """Return a list of strings."""
    return TensorProto(dtype=DT_STRING, tensor_shape=_shape((len(values),)), string_val=values)


def string(value: bytes) -> TensorProto:
    """Return one string, without a dimension."""
    return TensorProto(dtype=DT_STRING, tensor_shape=_shape(()), string_val=[value])


def _shape(sizes: Sequence[int]) -> TensorShapeProto:
    return TensorShapeProto(dim=[TensorShapeProto.Dim(size=size) for size in sizes])
