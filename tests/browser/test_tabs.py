"""What real runs write down, seen on each of TensorBoard's tabs, by both of its loaders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.boards import LOADERS, Board, tensorboard
from tests.browser.conftest import BACKBONES, EXPERIMENT, SEEDS
from tracker.events.reader import read_scalars
from tracker.reading.serving.link import deep_link, question
from tracker.store.index import list_runs

pytestmark = pytest.mark.slow  # it trains, if only for nine steps a run

PATIENCE = 30_000.0  # milliseconds
RUNS = [f"{EXPERIMENT}/{backbone}/s{seed}" for backbone in BACKBONES for seed in SEEDS]
MEANS = [f"compare/{EXPERIMENT}/{backbone} mean" for backbone in BACKBONES]
Keep = Callable[[Page, str], None]


@pytest.fixture(scope="module", params=LOADERS)
def means(
    trained: Path, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Board]:
    """The log directory of the groups' means, by itself."""
    folder = trained / "compare" / EXPERIMENT
    with tensorboard(folder, request.param, tmp_path_factory.mktemp("means")) as found:
        yield found


def loaded(board: Board, runs: list[str]) -> None:
    """Wait for the server: the page asks once."""
    board.get("runs", until=lambda found: set(runs) <= set(found))
    for run in runs:
        query = {"run": run, "tag": "accuracy/val"}
        board.get("plugin/scalars/scalars", query, lambda found: len(found) == 3)


def test_the_address_opens_on_the_question(
    board: Board, trained: Path, page: Page, keep: Keep
) -> None:
    loaded(board, RUNS + MEANS)
    link = deep_link(board.url, *question(list_runs(trained)))
    page.goto(link.replace("#", "&forceSVG=true#"))
    pins = page.locator("metrics-pinned-view card-view")
    expect(pins).to_have_count(6, timeout=PATIENCE)
    pictures = pins.locator("image-card img")
    expect(pictures).to_have_count(4, timeout=PATIENCE)
    for picture in pictures.all():
        page.wait_for_function("each => each.naturalWidth === 340", arg=picture.element_handle())
    curves = pins.locator("scalar-card line-chart .series-view svg path")
    expect(curves.nth(2 * len(RUNS + MEANS) - 1)).to_be_attached(timeout=PATIENCE)
    expect(pins.nth(0)).to_contain_text("accuracy/val")
    for run in RUNS:
        # A little more, for the page rounds halves up.
        last = read_scalars(trained / run).series["accuracy/val"].values[-1] * (1 + 1e-9)
        expect(pins.nth(0).locator("scalar-card-data-table")).to_contain_text(f"{last:.4g}")
    rows = page.locator("runs-data-table tb-data-table-content-row")
    colours: dict[str, set[str]] = {}
    for row in rows.all():
        name = row.inner_text()
        backbone = next((one for one in reversed(BACKBONES) if one in name), "")
        swatch = row.locator("button.run-color-swatch")
        colour = swatch.evaluate("each => getComputedStyle(each).backgroundColor")
        colours.setdefault(backbone, set()).add(colour)
    assert {backbone: len(colours[backbone]) for backbone in BACKBONES} == dict.fromkeys(
        BACKBONES, 1
    ), colours
    assert not colours[BACKBONES[0]] & colours[BACKBONES[1]]
    keep(page, "timeseries")


@pytest.mark.parametrize(
    ("tab", "there"),
    [
        ("scalars", "tf-scalar-card path.line"),
        ("custom_scalars", "tf-custom-scalar-multi-line-chart-card path.line"),
        ("images", "tf-image-loader img"),
        ("histograms", "tf-histogram-loader path.outline"),
        ("distributions", "tf-distribution-loader path.area"),
        ("text&tagFilter=spec%2Ftable", "tf-text-loader td"),
        ("text&tagFilter=spec%2Fjson", "tf-text-loader code"),
        ("pr_curves", "tf-pr-curve-card path.line"),
    ],
)
def test_a_tab_shows_what_was_recorded(
    board: Board, page: Page, keep: Keep, tab: str, there: str
) -> None:
    loaded(board, RUNS)
    page.goto(f"{board.url}#{tab}")
    expect(page.locator(there).first).to_be_attached(timeout=PATIENCE)
    page.wait_for_timeout(500)
    keep(page, tab.replace("&tagFilter=", "-").replace("%2F", "-"))


def test_pictures_are_decoded(board: Board, page: Page, keep: Keep) -> None:
    loaded(board, RUNS + MEANS)
    page.goto(f"{board.url}#images&tagFilter=pictures%2F(compared|confusion)")
    # The first pane has what fits the filter, those below it everything by group.
    pictures = page.locator("tf-category-paginated-view").first.locator("tf-image-loader img")
    expect(pictures).to_have_count(len(RUNS) + 1, timeout=PATIENCE)
    for picture in pictures.all():
        page.wait_for_function("each => each.naturalWidth === 340", arg=picture.element_handle())
    keep(page, "images-compared")


def test_the_graph_opens_on_the_network(board: Board, page: Page, keep: Keep) -> None:
    loaded(board, RUNS)
    board.get("plugin/graphs/info", until=lambda found: found[RUNS[0]]["run_graph"])
    page.goto(f"{board.url}#graphs")
    for name in ("input", "conv1", "layer1", "layer3", "fc"):
        node = page.locator(f"tf-graph-scene g.node[data-name='{name}']")
        expect(node.first).to_be_attached(timeout=PATIENCE)
    page.wait_for_timeout(1000)
    keep(page, "graphs")


def test_a_run_is_a_row_of_hyperparameters(board: Board, page: Page, keep: Keep) -> None:
    loaded(board, RUNS)
    page.goto(f"{board.url}#hparams")
    cells = page.locator("tf-hparams-table-view vaadin-grid-cell-content")
    for text in (*RUNS, *BACKBONES):
        expect(cells.filter(has_text=text).first).to_be_attached(timeout=PATIENCE)
    keep(page, "hparams")


def test_the_projector_has_its_points(board: Board, page: Page, keep: Keep) -> None:
    board.get("plugins_listing", until=lambda found: found["projector"]["enabled"])
    page.goto(f"{board.url}#projector")
    frame = page.frame_locator("iframe").frame_locator("iframe")
    expect(frame.get_by_text("Points: 64").first).to_be_attached(timeout=PATIENCE)
    page.wait_for_timeout(1000)
    keep(page, "projector")


def test_means_stand_in_their_bands(means: Board, page: Page, keep: Keep) -> None:
    loaded(means, [f"{backbone} mean" for backbone in BACKBONES])
    page.goto(f"{means.url}#custom_scalars&_smoothingWeight=0")
    charts = page.locator("tf-custom-scalar-margin-chart-card")
    expect(charts.first.locator("path.area").nth(1)).to_be_attached(timeout=PATIENCE)
    page.wait_for_timeout(1000)
    keep(page, "custom_scalars-means")


def test_the_comparison_stands_in_words(means: Board, page: Page, keep: Keep) -> None:
    query = {"run": "summary", "tag": "comparison"}
    means.get("plugin/text/text", query)
    page.goto(f"{means.url}#text")
    expect(page.locator("tf-text-loader td").first).to_be_attached(timeout=PATIENCE)
    expect(page.get_by_text("Which model.backbone is best").first).to_be_visible()
    keep(page, "text-comparison")
