from __future__ import annotations

import subprocess
import sys

from tracker.models.catalog import entries


def test_an_entry_has_the_figures_of_the_papers() -> None:
    by_name = {entry.backbone: entry for entry in entries()}
    resnet50 = by_name["resnet50"]
    assert (resnet50.parameters_imagenet, resnet50.stem) == (25_557_032, "cifar")
    assert by_name["se_resnet50"].parameters_imagenet == 28_088_024
    small = by_name["small_cnn"]
    assert (small.parameters, small.parameters_imagenet, small.stem) == (145_578, None, None)
    assert by_name["se_resnet9"].width == 64


def test_every_entry_is_described_in_one_sentence() -> None:
    for entry in entries():
        assert entry.description.endswith("."), entry.backbone
        assert entry.description.count(". ") == 0, entry.backbone
        assert entry.paper, entry.backbone


def test_reading_it_needs_no_torch() -> None:
    code = (
        "import sys; from tracker.models.catalog import entries; assert entries(); "
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
