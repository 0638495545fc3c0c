"""Values of plugins other than scalars, as summaries: texts, pictures, a layout."""

from __future__ import annotations

from collections.abc import Sequence

from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.compat.proto.types_pb2 import DT_STRING
from tensorboard.plugins.custom_scalar import metadata as layout_metadata
from tensorboard.plugins.custom_scalar.layout_pb2 import (
    Category,
    Chart,
    Layout,
    MarginChartContent,
)
from tensorboard.plugins.image import metadata as image_metadata
from tensorboard.plugins.text import metadata as text_metadata

from tracker.tags import Meaning


def text(tag: str, markdown: str, meaning: Meaning) -> Summary:
    """Markdown for the Text tab."""
    about = text_metadata.create_summary_metadata(meaning.title, meaning.description)
    return _summary(tag, [markdown.encode(errors="replace")], about)


def picture(tag: str, width: int, height: int, png: bytes, meaning: Meaning) -> Summary:
    """A PNG file for the Images tab."""
    about = image_metadata.create_summary_metadata(meaning.title, meaning.description)
    return _summary(tag, [str(width).encode(), str(height).encode(), png], about)


def bands(title: str, charts: dict[str, tuple[str, str, str]]) -> Summary:
    """A page of Custom Scalars: by their titles, charts of a value between a low and a high tag."""
    shown = [
        Chart(
            title=name,
            margin=MarginChartContent(
                series=[MarginChartContent.Series(value=value, lower=low, upper=high)]
            ),
        )
        for name, (value, low, high) in charts.items()
    ]
    # The page shows a category's charts from the last to the first.
    layout = Layout(category=[Category(title=title, chart=shown[::-1])])
    about = layout_metadata.create_summary_metadata()
    return _summary(layout_metadata.CONFIG_SUMMARY_TAG, [layout.SerializeToString()], about)


def _summary(tag: str, values: Sequence[bytes], about: SummaryMetadata) -> Summary:
    """One string without a dimension, several as a list."""
    sizes = [] if len(values) == 1 else [TensorShapeProto.Dim(size=len(values))]
    tensor = TensorProto(
        dtype=DT_STRING, tensor_shape=TensorShapeProto(dim=sizes), string_val=values
    )
    return Summary(value=[Summary.Value(tag=tag, tensor=tensor, metadata=about)])
