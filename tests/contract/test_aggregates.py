"""The groups of a comparison, as TensorBoard itself shows them and as they change under it."""

from __future__ import annotations

import html
import io
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.boards import LOADERS, Board, tensorboard
from tests.evaluated import evaluate
from tracker.reading.aggregates.write import write_aggregates
from tracker.reading.comparison.compare import compare
from tracker.reading.selection import chosen
from tracker.store.run import Run

pytestmark = pytest.mark.slow  # two TensorBoards are started

MakeRun = Callable[..., Run]
PLAIN = [(0.50, 0.70, 0.80), (0.52, 0.74, 0.81), (0.48, 0.72, 0.85)]
SE = [(0.51, 0.75, 0.84), (0.55, 0.76, 0.86)]
LATE = (0.9, 0.91, 0.92)


@pytest.fixture(params=LOADERS)
def loader(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def root(tmp_path: Path, make_run: MakeRun) -> Path:
    for backbone, curves in (("resnet50", PLAIN), ("se_resnet50", SE)):
        for seed, accuracy in enumerate(curves):
            evaluate(make_run(tmp_path / "runs", backbone, seed, accuracy=accuracy))
    write(tmp_path / "runs", "**one**")
    return tmp_path / "runs"


@pytest.fixture
def board(root: Path, loader: str, tmp_path: Path) -> Iterator[Board]:
    with tensorboard(root / "compare" / "first", loader, tmp_path) as found:
        yield found


def write(root: Path, remark: str) -> None:
    comparison = compare(chosen(root, ["first"]))
    write_aggregates(root, replace(comparison, remarks=(remark,)))


def curve(board: Board, run: str, tag: str, until: Callable[[list[float]], object]) -> Any:
    found = board.get(
        "plugin/scalars/scalars",
        {"run": run, "tag": tag},
        lambda points: until([value for *_, value in points]),
    )
    return [step for _, step, _ in found], [value for *_, value in found]


def ends_on(line: NDArray[np.float32]) -> Callable[[list[float]], bool]:
    return lambda found: found[-1:] == line[-1:].tolist()


def expected(curves: list[tuple[float, float, float]]) -> dict[str, NDArray[np.float32]]:
    values = np.array(curves, np.float32).astype(np.float64)
    mean, std = values.mean(axis=0), values.std(axis=0, ddof=1)
    return {
        "accuracy/val": mean.astype(np.float32),
        "spread/accuracy_val_low": (mean - std).astype(np.float32),
        "spread/accuracy_val_high": (mean + std).astype(np.float32),
    }


def test_means_and_margins_are_those_of_numpy_and_change_under_it(
    board: Board, root: Path, make_run: MakeRun
) -> None:
    for run, curves in (("resnet50 mean", PLAIN), ("se_resnet50 mean", SE)):
        for tag, line in expected(curves).items():
            steps, values = curve(board, run, tag, lambda found: len(found) == 3)
            assert steps == [10, 20, 30]
            np.testing.assert_array_equal(np.array(values, np.float32), line)

    make_run(root, "se_resnet50", 2, accuracy=LATE)
    write(root, "**two** $x$ @name")
    for tag, line in expected([*SE, LATE]).items():
        steps, values = curve(board, "se_resnet50 mean", tag, ends_on(line))
        assert steps == [10, 20, 30]
        np.testing.assert_array_equal(np.array(values, np.float32), line)

    query = {"run": "summary", "tag": "comparison"}
    [point] = board.get("plugin/text/text", query, lambda found: "two" in found[0]["text"])
    text = html.unescape(point["text"])
    assert "<strong>Which model.backbone is best" in text
    assert "note: **two** $x$ @name" in re.sub("\u200b", "", text)


def test_custom_scalars_lays_the_bands_out(board: Board) -> None:
    layout = board.get("plugin/custom_scalars/layout")
    [category] = layout["category"]
    assert (
        category["title"]
        == "Which model.backbone is best by the last accuracy/val (higher is better)?"
    )
    series = {chart["title"]: chart["margin"]["series"] for chart in category["chart"]}
    assert series["accuracy/val"] == [
        {
            "value": "accuracy/val",
            "lower": "spread/accuracy_val_low",
            "upper": "spread/accuracy_val_high",
        }
    ]
    assert set(series) == {"accuracy/val", "loss/val"}


def test_the_same_pictures_stand_side_by_side(board: Board) -> None:
    query = {"run": "summary", "tag": "pictures/compared", "sample": "0"}
    points = board.get("plugin/images/images", query, lambda found: len(found) == 2)
    assert [point["step"] for point in points] == [20, 30]
    picture = Image.open(
        io.BytesIO(board.fetch(f"plugin/images/individualImage?{points[0]['query']}"))
    )
    assert picture.width == 340


def test_a_group_that_is_no_more_goes(board: Board, root: Path) -> None:
    board.get("runs", until=lambda found: len(found) == 3)
    comparison = compare(chosen(root, ["first"]))
    shutil.rmtree(root / "first" / "se_resnet50")
    write_aggregates(root, replace(comparison, groups=comparison.groups[:1]))
    board.get("runs", until=lambda found: set(found) == {"resnet50 mean", "summary"})


def test_nothing_is_served_from_a_file_half_written(
    root: Path, loader: str, tmp_path: Path
) -> None:
    (root / "compare" / "first" / ".draft").write_bytes(b"torn")
    with tensorboard(root, loader, tmp_path) as board:
        runs = board.get("runs", until=lambda found: len(found) == 8)
    assert {run for run in runs if run.startswith("compare/")} == {
        f"compare/first/{name}" for name in ("resnet50 mean", "se_resnet50 mean", "summary")
    }
