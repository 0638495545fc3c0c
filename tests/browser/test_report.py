"""The page in a real browser, opened from disk and cut off from every network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tracker.cli.main import main
from tracker.reading.comparison.bands import read_curves
from tracker.reading.comparison.compare import compare
from tracker.reading.comparison.words import spread
from tracker.record.tensorboard import RunWriter
from tracker.store.index import list_runs
from tracker.store.run import Run

HOSTILE = "<script>document.title='taken'</script>"
# Of three pictures, a, b and c: what each seed of each group takes them for.
TAKEN = {"resnet50": [[0, 2, 1], [0, 2, 1]], "se_resnet50": [[0, 2, 2], [0, 2, 0]]}


def note(run: Run, taken_for: list[int]) -> None:
    summary = json.loads(run.summary_file.read_text())
    summary["data"]["classes"] = ["a", "b", HOSTILE]
    run.summary_file.write_text(json.dumps(summary))
    with RunWriter(run.path, warn=pytest.fail) as writer:
        writer.numbers("evaluation/reference", 0, np.array([[1, 0], [2, 1], [3, 2]]))
        told = np.array([[one, 0.5] for one in taken_for], np.float32)
        writer.numbers("evaluation/predictions", 30, told)
        writer.numbers("evaluation/confusion", 30, np.diag([3, 4, 5]).astype(np.int32) + 1)


@pytest.fixture
def root(tmp_path: Path, make_run: Callable[..., Run]) -> Path:
    root = tmp_path / "runs"
    for backbone, of_seeds in TAKEN.items():
        for seed, taken_for in enumerate(of_seeds):
            last = 0.7 + seed / 100 + (backbone != "resnet50") / 10
            run = make_run(root, backbone, seed, accuracy=(0.1, 0.4 + seed / 10, last))
            note(run, taken_for)
    return root


@pytest.fixture
def report(root: Path, tmp_path: Path) -> str:
    """The address of the page."""
    file = tmp_path / "report.html"
    assert main(["--runs", str(root), "report", "first", "-o", str(file)]) == 0
    return file.as_uri()


@pytest.fixture
def offline(browser: Browser) -> Iterator[Page]:
    """A page without network; it may ask for no other file, and nothing may be said of it."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, offline=True)
    shown = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    shown.on("pageerror", lambda error: said.append(str(error)))
    shown.on("console", lambda message: said.append(message.text))
    shown.on("request", lambda one: asked.append(one.url))
    yield shown
    context.close()
    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == asked[:1]


def test_it_opens_from_disk_and_nothing_in_it_runs_but_its_own(report: str, offline: Page) -> None:
    offline.goto(report)
    expect(offline).to_have_title("first: tracker report")
    expect(offline.locator("h2")).to_have_count(8)
    expect(offline.locator("#predictions")).to_contain_text(HOSTILE)


def test_pointing_at_a_plot_tells_the_step_and_each_groups_mean(
    report: str, offline: Page, root: Path
) -> None:
    offline.goto(report)
    plot = offline.locator(".plot").first
    box = plot.locator("svg[tabindex]").bounding_box()
    assert box is not None
    plot.locator("svg[tabindex]").hover(position={"x": box["width"] * 301 / 560, "y": 60})
    readout = plot.locator(".readout")
    expect(readout).to_be_visible()
    expect(readout.locator("b")).to_have_text("step 20")
    for each in compare(list_runs(root)).groups:
        band = read_curves([each.group], ["accuracy/val"]).bands[0]["accuracy/val"]
        words = spread(float(band.mean[1]), float(band.std[1]), "accuracy/val")
        row = readout.locator("tr").filter(has=offline.get_by_text(each.group.name, exact=True))
        expect(row.locator("td")).to_have_text(words)
    offline.mouse.move(5, 5)
    expect(readout).to_be_hidden()


def test_the_keys_walk_along_a_plot(report: str, offline: Page) -> None:
    offline.goto(report)
    plot = offline.locator(".plot").first
    plot.locator("svg[tabindex]").focus()
    for key, step in (("End", "30"), ("ArrowLeft", "20"), ("Home", "10"), ("ArrowRight", "20")):
        offline.keyboard.press(key)
        expect(plot.locator(".readout b")).to_have_text(f"step {step}")
    offline.keyboard.press("Escape")
    expect(plot.locator(".readout")).to_be_hidden()


def test_a_group_can_be_hidden(report: str, offline: Page) -> None:
    offline.goto(report)
    button = offline.get_by_role("button", name="se_resnet50")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    plot = offline.locator(".plot").first
    expect(plot.locator(".curve:visible")).to_have_count(1)
    plot.locator("svg[tabindex]").focus()
    offline.keyboard.press("End")
    expect(plot.locator(".readout tr")).to_have_count(1)
    button.click()
    expect(plot.locator(".curve:visible")).to_have_count(2)


def test_only_where_they_disagree(report: str, offline: Page) -> None:
    offline.goto(report)
    rows = offline.locator(".predictions tbody tr")
    expect(rows.locator("visible=true").locator("th")).to_have_count(3)
    offline.get_by_label("only where they disagree (1 of 3)").check()
    shown = offline.locator(".predictions tbody tr:visible")
    expect(shown).to_have_count(1)
    expect(shown.locator("td").first).to_contain_text("wrong: b")
    expect(shown.locator("td").last).to_contain_text("1 of 2 right")


def test_a_cell_of_a_confusion_matrix_says_what_it_counts(report: str, offline: Page) -> None:
    offline.goto(report)
    matrix = offline.locator(".matrix").first
    matrix.locator("tbody tr").first.locator("td").first.hover()
    expect(matrix.locator("output")).to_have_text("a taken for a: 8 of 12 pictures")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [380, 1400])
def test_no_width_or_scheme_makes_it_scroll_sideways(
    report: str, offline: Page, width: int, scheme: str
) -> None:
    offline.set_viewport_size({"width": width, "height": 800})
    offline.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    offline.goto(report)
    assert offline.evaluate("document.documentElement.scrollWidth") == width
    ground = offline.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") is (scheme == "light")


def test_on_paper_everything_is_unfolded_and_the_ground_is_white(
    report: str, offline: Page
) -> None:
    offline.emulate_media(media="print", color_scheme="dark")
    offline.goto(report)
    offline.evaluate("dispatchEvent(new Event('beforeprint'))")
    for line in offline.locator(".scores thead svg").all():
        ends = [label.bounding_box() for label in line.locator("text").all()]
        edges = [(box["x"], box["x"] + box["width"]) for box in ends if box]
        assert len(edges) >= 2
        assert all(right < left for (_, right), (left, _) in pairwise(edges))
    assert (
        offline.evaluate("getComputedStyle(document.querySelector('.scores thead svg')).overflow")
        == "visible"
    )
    expect(offline.locator("nav")).to_be_hidden()
    expect(offline.locator("details:not([open])")).to_have_count(0)
    ground = offline.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert ground == "rgb(255, 255, 255)"
