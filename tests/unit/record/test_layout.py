from __future__ import annotations

from tracker import tags
from tracker.record.layout import LAYOUT


def test_each_chart_sets_training_beside_validation() -> None:
    charts = [chart for category in LAYOUT.values() for chart in category.values()]
    assert charts == [
        ["Multiline", [tags.ACCURACY_TRAIN, tags.ACCURACY_VAL]],
        ["Multiline", [tags.LOSS_TRAIN, tags.LOSS_VAL]],
    ]
