"""Takes the pictures that README and docs show of an experiment's pages, in a real browser.

tracker run experiments/quickstart.json --seeds 0,1,2,3,4
python -m tests.browser.pictures runs quickstart docs
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.conftest import ARGUMENTS, BROWSERS

PATIENCE = 60_000.0  # milliseconds
SETTLED = 2_000.0  # after which nothing moves any more


def main(root: Path, experiment: str, folder: Path) -> None:
    """Write dashboard.png, compare-tab.png and report.png of `experiment` under `root`."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        sys.exit(f"no browser: none of {', '.join(BROWSERS)} is installed")
    tracker = [sys.executable, "-m", "tracker", "--runs", str(root)]
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as scratch:
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        with _served(tracker, experiment) as link:
            _time_series(browser, link, folder / "dashboard.png")
            _compare(browser, link.partition("?")[0], folder / "compare-tab.png")
        page = Path(scratch, "report.html")
        subprocess.run([*tracker, "report", experiment, "-o", str(page)], check=True)
        with _opened(browser, page.as_uri(), 1280, 1150) as shown:
            _take(shown, folder / "report.png")
        browser.close()


def _time_series(browser: Browser, link: str, file: Path) -> None:
    with _opened(browser, link, 1600, 1000) as page:
        pictures = page.locator("metrics-pinned-view image-card img")
        expect(pictures.nth(3)).to_be_visible(timeout=PATIENCE)
        page.get_by_role("button", name="Settings").last.click()  # there is more to see
        page.wait_for_timeout(SETTLED)
        _take(page, file)


def _compare(browser: Browser, url: str, file: Path) -> None:
    with _opened(browser, f"{url}#tracker_compare", 1600, 1130) as page:
        frame = page.frame_locator("iframe")
        expect(frame.locator(".plot path.band").first).to_be_visible(timeout=PATIENCE)
        page.wait_for_timeout(SETTLED)
        _take(page, file)


def _take(page: Page, file: Path) -> None:
    """In 256 colours: a third of the bytes, and nobody sees it."""
    whole = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    whole.quantize(256, dither=Image.Dither.NONE).save(file, optimize=True)


@contextmanager
def _opened(browser: Browser, url: str, width: int, height: int) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    page.goto(url)
    page.wait_for_timeout(SETTLED)
    yield page
    context.close()


@contextmanager
def _served(tracker: list[str], experiment: str) -> Iterator[str]:
    """The address that `tracker tensorboard` prints for it."""
    command = [*tracker, "tensorboard", "--json", "--no-browser", experiment]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield json.loads(server.stdout.readline())["link"]
        finally:
            server.terminate()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
