"""What a real run writes down, seen on each of TensorBoard's tabs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.slow  # it trains, if only for two steps

TRACKER = [sys.executable, "-m", "tracker.cli.main"]
SPEC = {
    "name": "tabs",
    "data": {"name": "shapes", "train_size": 64, "val_size": 32},
    "model": {"backbone": "small_cnn"},
    "training": {"epochs": 2, "batch_size": 32, "device": "cpu", "threads": 1},
    "logging": {"scalars_every": 1},
}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a TensorBoard shows one short run."""
    place = tmp_path_factory.mktemp("recorded")
    (place / "tabs.json").write_text(json.dumps(SPEC))
    done = subprocess.run(
        [*TRACKER, "run", "tabs.json"], cwd=place, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    command = [*TRACKER, "tensorboard", "--json", "--no-browser"]
    with subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield json.loads(server.stdout.readline())["server"]["url"]
        server.terminate()
        assert server.wait(timeout=10) == 0


@pytest.mark.parametrize(
    ("tab", "there"),
    [
        ("scalars", "tf-scalar-card path.line"),
        ("custom_scalars", "tf-custom-scalar-multi-line-chart-card path.line"),
        ("images", "tf-image-loader img"),
        ("graphs", "tf-graph-scene g.node[data-name='input']"),
        ("histograms", "tf-histogram-loader path.outline"),
        ("distributions", "tf-distribution-loader path.area"),
        ("pr_curves", "tf-pr-curve-card path.line"),
        ("text", "tf-text-loader td"),
        ("text", "tf-text-loader code"),
    ],
)
def test_a_tab_shows_what_was_recorded(address: str, page: Page, tab: str, there: str) -> None:
    page.goto(f"{address}#{tab}")
    expect(page.locator(there).first).to_be_attached(timeout=30_000)


def test_pictures_are_decoded(address: str, page: Page) -> None:
    page.goto(f"{address}#images")
    picture = page.locator("tf-image-loader img").first
    expect(picture).to_be_visible(timeout=30_000)
    page.wait_for_function("each => each.naturalWidth > 0", arg=picture.element_handle())


def test_the_run_is_a_row_of_hyperparameters(address: str, page: Page) -> None:
    page.goto(f"{address}#hparams")
    cells = page.locator("tf-hparams-table-view vaadin-grid-cell-content")
    for text in ("tabs/small_cnn/s0", "small_cnn"):
        expect(cells.filter(has_text=text).first).to_be_attached(timeout=30_000)
