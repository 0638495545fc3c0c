"""A real browser, once per session, where one is installed, and real runs for it to look at."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.boards import LOADERS, Board, tensorboard

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# As root there is no sandbox; the rest keeps it from calling home.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
TRACKER = [sys.executable, "-m", "tracker"]
EXPERIMENT = "twins"
BACKBONES = ("cifar_resnet20", "cifar_se_resnet20")
SEEDS = (0, 1)
SPEC = {
    "name": EXPERIMENT,
    "data": {"name": "shapes", "train_size": 96, "val_size": 64},
    "training": {"epochs": 3, "batch_size": 32, "device": "cpu", "threads": 1},
    "logging": {"scalars_every": 1},
    "matrix": {"model.backbone": list(BACKBONES), "seed": list(SEEDS)},
}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of its own profile, as pins and settings live in it; no error may happen on it."""
    context = browser.new_context(viewport={"width": 1600, "height": 1000})
    shown = context.new_page()
    errors: list[str] = []
    shown.on("pageerror", lambda error: errors.append(str(error)))
    shown.on(
        "response", lambda r: errors.append(f"{r.status} {r.url}") if r.status >= 400 else None
    )
    yield shown
    context.close()
    assert errors == []


@pytest.fixture
def keep(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Page, str], None]:
    """Keep a picture of a page, in the folder that TRACKER_SCREENSHOTS names or the test's own."""
    folder = Path(os.environ.get("TRACKER_SCREENSHOTS") or tmp_path)

    def take(page: Page, name: str) -> None:
        loader = "slow" if "[slow" in request.node.name else "fast"
        page.screenshot(path=folder / f"{name}-{loader}.png")

    return take


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small networks of two seeds each, really trained, with the means of their groups."""
    place = tmp_path_factory.mktemp("trained")
    (place / "twins.json").write_text(json.dumps(SPEC))
    for arguments in (["run", "twins.json"], ["compare", EXPERIMENT, "--tensorboard"]):
        done = subprocess.run(
            [*TRACKER, *arguments], cwd=place, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    return place / "runs"


@pytest.fixture(scope="module", params=LOADERS)
def board(
    trained: Path, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Board]:
    """TensorBoard on these runs, by either of its loaders."""
    with tensorboard(trained, request.param, tmp_path_factory.mktemp("board")) as found:
        yield found
