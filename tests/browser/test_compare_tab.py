"""The Compare tab, seen: its numbers are those of `compare`, and it follows runs as they grow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.boards import LOADERS, Board, tensorboard
from tests.browser.conftest import BACKBONES, EXPERIMENT
from tests.evaluated import evaluate
from tracker.events.writer import EventWriter
from tracker.reading.comparison.compare import compare
from tracker.reading.comparison.words import sentences, spread
from tracker.reading.evaluations import evaluations
from tracker.reading.selection import chosen
from tracker.store.run import Run

pytestmark = pytest.mark.slow  # browsers, and TensorBoard by both its loaders

PATIENCE = 30_000.0  # milliseconds
Keep = Callable[[Page, str], None]
MakeRun = Callable[..., Run]
Open = Callable[[Path], Board]


def open_tab(page: Page, board: Board, query: str = "", *, wait: bool = True) -> FrameLocator:
    if wait:  # until there are runs
        board.get("plugins_listing", until=lambda found: found["tracker_compare"]["enabled"])
    page.goto(f"{board.url}{query}#tracker_compare")
    frame = page.frame_locator("iframe[src*='tracker_compare'], iframe")
    expect(frame.locator("#answer h1")).to_be_visible(timeout=PATIENCE)
    return frame


@pytest.fixture
def serve(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Open]:
    """Serve a folder by the default loader, until the end of the test."""
    with ExitStack() as stack:
        loader = getattr(request, "param", "auto")
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        yield lambda logdir: stack.enter_context(tensorboard(logdir, loader, scratch))


def test_the_numbers_are_those_of_compare(
    board: Board, trained: Path, page: Page, keep: Keep
) -> None:
    frame = open_tab(page, board)
    comparison = compare(chosen(trained, [EXPERIMENT]))
    [verdict] = sentences(comparison)
    expect(frame.locator(".verdicts li")).to_contain_text(verdict)
    table = frame.locator("#scores table").first
    for each in comparison.groups:
        last = each.scores["accuracy/val"].last
        assert last is not None
        row = table.locator("tbody tr", has=frame.get_by_text(each.group.name, exact=True))
        expect(row.locator("td").nth(0)).to_have_text(str(last.n))
        expect(row.locator("td.main")).to_have_text(spread(last.mean, last.std, "accuracy/val"))
    expect(frame.locator("#settings tr.differs")).to_have_count(1)
    expect(frame.locator("#settings tr.differs")).to_contain_text(BACKBONES[1])
    keep(page, "compare")


def test_curves_have_bands_and_answer_a_pointer(board: Board, page: Page, keep: Keep) -> None:
    frame = open_tab(page, board)
    plots = frame.locator(".plot")
    expect(plots).to_have_count(4)
    expect(plots.first.locator("path.band")).to_have_count(2)
    expect(plots.first.locator("path.mean")).to_have_count(2)
    plots.first.locator(".paper svg").first.hover()
    readout = plots.first.locator(".readout")
    expect(readout).to_be_visible()
    expect(readout).to_contain_text("step 6")
    expect(readout).to_contain_text("±")
    keep(page, "compare-hover")
    frame.locator(".legend button").first.click()
    expect(plots.first.locator("path.mean")).to_have_count(1)


def test_one_slider_moves_the_pictures_and_the_matrices_of_all(
    board: Board, trained: Path, page: Page, keep: Keep
) -> None:
    frame = open_tab(page, board)
    cards = frame.locator("#sights .card")
    expect(cards).to_have_count(40)
    for picture in cards.locator("img").all()[:3]:
        picture.scroll_into_view_if_needed()
        page.wait_for_function("each => each.naturalWidth > 0", arg=picture.element_handle())
    expect(frame.locator("#sights .matrix")).to_have_count(3)  # one each, and their difference
    for backbone in BACKBONES:
        noted = evaluations(Run(trained / EXPERIMENT / backbone / "s0"))
        for step in (9, 3):
            frame.locator("#step").fill(str(noted.steps.index(step)))
            told = noted.predictions[step]
            right = int((told.classes == noted.labels).sum())
            expect(frame.locator(".tally", has_text=f"{backbone} ")).to_contain_text(
                f"{right} of 40 right"
            )
    keep(page, "compare-pictures")


def test_the_slider_can_be_dragged(board: Board, page: Page) -> None:
    frame = open_tab(page, board)
    slider = frame.locator("#step")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] - 5, middle)
    page.mouse.down()
    for share, step in ((0.5, 6), (0.02, 3), (0.5, 6)):
        page.mouse.move(box["x"] + share * box["width"], middle)
        expect(frame.locator("#step-shown")).to_have_text(f"step {step}")
    page.mouse.up()


def test_only_where_they_disagree(board: Board, trained: Path, page: Page) -> None:
    frame = open_tab(page, board)
    first, second = (
        evaluations(Run(trained / EXPERIMENT / backbone / "s0")).predictions[9].classes
        for backbone in BACKBONES
    )
    frame.locator("#only").check()
    expect(frame.locator("#sights .card")).to_have_count(int((first != second).sum()))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_whole(board: Board, browser: Browser, keep: Keep, theme: str) -> None:
    """From top to bottom: nothing is wider than the page."""
    context = browser.new_context(viewport={"width": 1600, "height": 3400})
    page = context.new_page()
    frame = open_tab(page, board, "?darkMode=true" if theme == "dark" else "")
    expect(frame.locator("html.dark")).to_have_count(int(theme == "dark"))
    expect(frame.locator("#sights .matrix")).to_have_count(3)
    page.wait_for_timeout(500)
    keep(page, f"compare-whole-{theme}")
    wide = frame.locator("html").evaluate("html => html.scrollWidth - html.clientWidth")
    context.close()
    assert wide == 0


@pytest.mark.parametrize("serve", LOADERS, indirect=True)
def test_it_grows_with_the_runs(serve: Open, tmp_path: Path, make_run: MakeRun, page: Page) -> None:
    root = tmp_path / "runs"
    for backbone in ("resnet50", "se_resnet50"):
        evaluate(make_run(root, backbone, 0))
    frame = open_tab(page, serve(root))
    expect(frame.locator("#scores table").first.locator("tbody tr td").first).to_have_text("1")
    evaluate(make_run(root, "resnet50", 1))
    expect(frame.locator("#scores table").first.locator("tbody tr td").first).to_have_text(
        "2", timeout=PATIENCE
    )
    expect(frame.locator(".states")).to_contain_text("3 finished")


def test_what_does_not_change_is_left_alone(
    serve: Open, tmp_path: Path, make_run: MakeRun, page: Page
) -> None:
    """A list that is open closes when it is drawn anew, and a pointer loses what it points at."""
    root = tmp_path / "runs"
    for backbone in ("resnet50", "se_resnet50"):
        make_run(root, backbone, 0)
    frame = open_tab(page, serve(root))
    frame.locator(".plot .paper svg").first.hover()
    for part in ("#metric", ".plot .readout", "#settings table"):
        frame.locator(part).first.evaluate("each => { each.dataset.kept = 'yes'; }")
    make_run(root, "resnet50", 0)  # again: the same numbers, another run
    expect(frame.locator("#answer")).to_contain_text("repeated by", timeout=PATIENCE)
    expect(frame.locator("[data-kept]")).to_have_count(2)  # the list says 3 finished now
    expect(frame.locator(".plot .readout").first).to_be_visible()


def test_behind_a_prefix_all_is_found(tmp_path: Path, make_run: MakeRun, page: Page) -> None:
    root, scratch = tmp_path / "runs", tmp_path / "scratch"
    scratch.mkdir()
    for backbone in ("resnet50", "se_resnet50"):
        evaluate(make_run(root, backbone, 0))
    with tensorboard(root, "auto", scratch, "--path_prefix", "/tb") as board:
        # Straight to the frame: around it TensorBoard itself asks for two fonts that are not there.
        page.goto(f"{board.url}data/plugin_entry.html?name=tracker_compare")
        expect(page.locator("#sights .card")).to_have_count(4, timeout=PATIENCE)
        picture = page.locator("#sights .card img").first
        page.wait_for_function("each => each.naturalWidth === 32", arg=picture.element_handle())


def test_event_files_of_others_get_what_can_be_shown(
    serve: Open, tmp_path: Path, page: Page, keep: Keep
) -> None:
    for folder, losses in (("big", (0.1, 0.2)), ("small", (0.5, 0.6))):
        for name, loss in zip(("a", "b"), losses, strict=True):
            with EventWriter(tmp_path / "logs" / folder / name) as events:
                for step in range(20):
                    events.scalars(step, {"val_loss": 1 - (1 - loss) * step / 19})
    frame = open_tab(page, serve(tmp_path / "logs"))
    expect(frame.locator("#scores tbody tr").nth(1)).to_contain_text("0.550 ± 0.071")
    expect(frame.locator(".plot path.band")).to_have_count(2)
    expect(frame.locator("#sights")).to_be_hidden()
    keep(page, "compare-foreign")


def test_names_are_never_markup(serve: Open, tmp_path: Path, page: Page) -> None:
    for name in ('<img src=x onerror="throw 1">', "<script>throw 2</script>"):
        with EventWriter(tmp_path / "logs" / name.replace("/", "") / "run") as events:
            for step in range(3):
                events.scalars(step, {"<b>loss</b>": 1.0})
    frame = open_tab(page, serve(tmp_path / "logs"))
    expect(frame.locator("#scores tbody th").first).to_contain_text("<")
    expect(frame.locator("img, script, #scores b")).to_have_count(0)


def test_one_group_is_shown_by_itself_until_there_are_others(
    serve: Open, tmp_path: Path, make_run: MakeRun, page: Page, keep: Keep
) -> None:
    (tmp_path / "runs").mkdir()
    frame = open_tab(page, serve(tmp_path / "runs"), wait=False)
    expect(frame.locator("#answer")).to_contain_text("There is no run here yet.", timeout=PATIENCE)
    evaluate(make_run(tmp_path / "runs"))
    expect(frame.locator("#answer .why")).to_contain_text("only group", timeout=PATIENCE)
    expect(frame.locator("#scores tbody tr").first).to_contain_text("80.00")
    expect(frame.locator("#curves path.mean").first).to_be_attached()
    expect(frame.locator("#sights .card")).to_have_count(4)
    keep(page, "compare-alone")
    make_run(tmp_path / "runs", "se_resnet50")
    expect(frame.locator(".verdicts li")).to_be_visible(timeout=PATIENCE)
    expect(frame.locator("#answer .why")).to_have_count(0)


def test_what_the_others_are_held_against_can_be_chosen(board: Board, page: Page) -> None:
    frame = open_tab(page, board)
    choice = frame.locator("#reference")
    expect(choice).to_have_value(BACKBONES[0])
    choice.select_option(BACKBONES[1])
    first = frame.locator("#scores table").first
    row = first.locator("tbody tr", has=frame.get_by_text(BACKBONES[1], exact=True))
    expect(row).to_contain_text("reference")
    expect(choice).to_have_value(BACKBONES[1])


def test_of_many_groups_those_that_are_told_apart_come_first(
    serve: Open, tmp_path: Path, make_run: MakeRun, page: Page, keep: Keep
) -> None:
    networks = [f"cifar_{se}resnet{n}" for se in ("", "se_") for n in (20, 32, 44, 56, 110)]
    networks += ["resnet18", "resnet34"]
    for network in networks:
        gap = 0.2 if network == "resnet34" else 0.0
        for seed in (0, 1, 2):
            low = 0.5 + 0.01 * seed + gap * (1 + 0.01 * seed)
            evaluate(make_run(tmp_path / "runs", network, seed, accuracy=(0.1, 0.3, low)))
    frame = open_tab(page, serve(tmp_path / "runs"))
    expect(frame.locator("#answer > .lead").last).to_have_text(
        "Of 11 groups against cifar_resnet20: 1 better, 10 indistinguishable."
    )
    expect(frame.locator(".verdicts li.better")).to_contain_text(
        "resnet34 is better than cifar_resnet20"
    )
    expect(frame.locator(".verdicts li:visible")).to_have_count(6)
    frame.get_by_text("5 more").click()
    expect(frame.locator(".verdicts li:visible")).to_have_count(11)
    keep(page, "compare-many")
    page.set_viewport_size({"width": 500, "height": 800})
    expect(frame.locator(".tally")).to_have_count(12)
    bar = frame.locator(".bar-of-tools").bounding_box()
    assert bar is not None
    assert bar["height"] < 200, "it stays in sight, and so do the pictures below it"


def test_a_server_that_goes_away_is_said(
    tmp_path: Path, make_run: MakeRun, browser: Browser
) -> None:
    for backbone in ("resnet50", "se_resnet50"):
        make_run(tmp_path / "runs", backbone)
    context = browser.new_context()
    page = context.new_page()
    with tensorboard(tmp_path / "runs", "auto", tmp_path) as board:
        frame = open_tab(page, board)
        expect(frame.locator(".trouble")).to_have_count(0)
    expect(frame.locator(".trouble")).to_contain_text("does not answer", timeout=PATIENCE)
    expect(frame.locator("#scores tbody tr").first).to_be_visible()
    context.close()
