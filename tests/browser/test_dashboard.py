"""The printed address, opened in a real browser: what a person sees first."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from tensorboard.compat.proto import event_pb2, summary_pb2

from tracker import tags
from tracker.events.writer import EventWriter
from tracker.store.run import Run

VARIANTS = ("resnet50", "se_resnet50")  # one is a part of the other's name


def add_pictures(run: Run, shade: int) -> None:
    """Write a small grey square under the two tags that the address pins."""
    png = io.BytesIO()
    Image.new("RGB", (40, 30), (shade, shade, shade)).save(png, "PNG")
    image = summary_pb2.Summary.Image(
        height=30, width=40, colorspace=3, encoded_image_string=png.getvalue()
    )
    with EventWriter(run.path) as events:
        for tag in (tags.PREDICTIONS, tags.CONFUSION):
            value = summary_pb2.Summary.Value(tag=tag, image=image)
            summary = summary_pb2.Summary(value=[value])
            events.event(event_pb2.Event(wall_time=1.7e9, step=30, summary=summary))


@pytest.fixture
def link(tmp_path: Path, make_run: Callable[..., Run]) -> Iterator[str]:
    """The address that `tracker tensorboard` prints for two variants of two seeds each."""
    for index, variant in enumerate(VARIANTS):
        for seed in (0, 1):
            add_pictures(make_run(tmp_path / "runs", variant, seed), 60 + 100 * index)
    command = [sys.executable, "-m", "tracker.cli.main", "--runs", str(tmp_path / "runs")]
    with subprocess.Popen(
        [*command, "tensorboard", "--json", "--no-browser"], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        yield json.loads(server.stdout.readline())["link"]
        server.terminate()
        assert server.wait(timeout=10) == 0


def test_the_address_opens_on_the_question(link: str, page: Page) -> None:
    page.goto(link.replace("#", "&forceSVG=true#"))

    runs = page.locator("runs-data-table tb-data-table-content-row")
    expect(runs).to_have_count(4, timeout=30_000)
    pins = page.locator("metrics-pinned-view card-view")
    expect(pins).to_have_count(6)  # two curves; predictions and confusion of each variant's s0
    curves = pins.locator("scalar-card line-chart .series-view svg path")
    expect(curves.nth(7)).to_be_attached(timeout=30_000)  # four runs in each of two cards
    pictures = pins.locator("image-card img")
    expect(pictures).to_have_count(4)
    for index in range(4):
        expect(pictures.nth(index)).to_have_js_property("naturalWidth", 40)
    expect(pins.nth(0)).to_contain_text("accuracy/val")
    expect(pins.nth(1)).to_contain_text("loss/val")
    assert page.title().startswith("tracker: ")


def test_the_seeds_of_a_variant_share_a_colour_of_its_own(link: str, page: Page) -> None:
    page.goto(link.replace("#", "&forceSVG=true#"))

    rows = page.locator("runs-data-table tb-data-table-content-row")
    expect(rows).to_have_count(4, timeout=30_000)
    colours: dict[str, set[str]] = {variant: set() for variant in VARIANTS}
    for row in rows.all():
        text = row.inner_text()
        [variant] = {name for name in VARIANTS if f"/{name}/" in text}
        swatch = row.locator("button.run-color-swatch")
        colours[variant].add(swatch.evaluate("each => getComputedStyle(each).backgroundColor"))
    assert [len(found) for found in colours.values()] == [1, 1], colours
    assert colours["resnet50"] != colours["se_resnet50"]


def test_a_new_point_is_seen_when_the_page_reloads(link: str, page: Page, tmp_path: Path) -> None:
    page.goto(link.replace("#", "&forceSVG=true#"))
    shown = page.locator("metrics-pinned-view card-view").first.locator("scalar-card-data-table")
    expect(shown).to_contain_text("0.8", timeout=30_000)
    with EventWriter(tmp_path / "runs/first/resnet50/s0") as events:
        events.scalars(40, {tags.ACCURACY_VAL: 0.987})
        for _ in range(10):
            page.wait_for_timeout(1000)  # it reads every second
            page.locator("app-header-reload button").click()
            if "0.987" in shown.inner_text():
                break
    expect(shown).to_contain_text("0.987")
