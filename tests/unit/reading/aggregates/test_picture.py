from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.evaluated import evaluate
from tracker.reading.aggregates import picture
from tracker.reading.comparison.groups import group
from tracker.reading.gallery import Gallery, gallery
from tracker.store.index import list_runs
from tracker.store.run import Run

BACKBONES = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "small_cnn")


def gallery_of(root: Path, make_run: Callable[..., Run], count: int) -> Gallery:
    for backbone in BACKBONES[:count]:
        evaluate(make_run(root, backbone))
    found = gallery(group(list_runs(root), None, lambda _: None).groups)
    assert found is not None
    return found


@pytest.mark.parametrize(("groups", "width"), [(2, 340), (4, 340), (6, 478)])
def test_as_wide_as_the_images_tab_shows_where_it_can(
    tmp_path: Path, make_run: Callable[..., Run], groups: int, width: int
) -> None:
    drawn = picture.draw(gallery_of(tmp_path, make_run, groups), 30)
    assert width - groups < drawn.width <= width


def test_right_is_green_and_wrong_is_red(tmp_path: Path, make_run: Callable[..., Run]) -> None:
    pixels = np.asarray(picture.draw(gallery_of(tmp_path, make_run, 2), 30))
    column = pixels[:, 64 + 69]  # through the middle of the first group's bands
    greens = (column == (21, 128, 61)).all(axis=1)
    reds = (column == (200, 30, 30)).all(axis=1)
    bands = [np.flatnonzero(np.diff(mask.astype(int)) == 1).size for mask in (greens, reds)]
    assert bands[0] >= 3  # three pictures right
    assert reds[:200].sum() == 0
    assert bands[1] >= 1  # the last one wrong


def test_the_same_gallery_makes_the_same_bytes(
    tmp_path: Path, make_run: Callable[..., Run]
) -> None:
    shown = gallery_of(tmp_path, make_run, 2)
    first, again = (picture.png(picture.draw(shown, 30)) for _ in range(2))
    assert first == again
    assert Image.open(io.BytesIO(first)).format == "PNG"


@pytest.mark.parametrize("broken", [b"", b"\x89PNG\r\n\x1a\n", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_a_picture_that_is_none_leaves_its_place_empty(
    tmp_path: Path, make_run: Callable[..., Run], broken: bytes
) -> None:
    shown = gallery_of(tmp_path, make_run, 2)
    shown = Gallery(**{**vars(shown), "pictures": (broken,) * 4})
    pixels = np.asarray(picture.draw(shown, 30))
    assert (pixels[34:74, 12:52] == 255).all()
