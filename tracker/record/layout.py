"""The Custom Scalars page: what belongs into one chart."""

from __future__ import annotations

from tracker import tags

# Category → chart → kind and tags, as `SummaryWriter.add_custom_scalars` takes it.
LAYOUT = {
    "training beside validation": {
        "accuracy": ["Multiline", [tags.ACCURACY_TRAIN, tags.ACCURACY_VAL]],
        "loss": ["Multiline", [tags.LOSS_TRAIN, tags.LOSS_VAL]],
    }
}
