"""A plain `tensorboard` where tracker is installed: it has our tab, and never suffers from it."""

from __future__ import annotations

import configparser
import json
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.boards import LOADERS, PLAIN, Board, tensorboard
from tracker.store.run import Run

pytestmark = pytest.mark.slow  # TensorBoards are started

ROOT = Path(__file__).parents[2]


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder for PYTHONPATH where tracker is installed, with the plugin that setup.cfg names."""
    declared = configparser.ConfigParser()
    declared.read(ROOT / "setup.cfg")
    plugins = declared["options.entry_points"]["tensorboard_plugins"].strip()
    about = tmp_path / "installed" / "tracker-0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: tracker\nVersion: 0\n")
    (about / "entry_points.txt").write_text(f"[tensorboard_plugins]\n{plugins}\n")
    return about.parent


@pytest.fixture
def runs(tmp_path: Path, make_run: Callable[..., Run]) -> Path:
    make_run(tmp_path / "runs", "resnet50")
    make_run(tmp_path / "runs", "se_resnet50")
    return tmp_path / "runs"


def plain(
    logdir: Path, loader: str, path: Path, scratch: Path, *, quiet: bool = True
) -> AbstractContextManager[Board]:
    """The `tensorboard` of somebody who has what lies in `path` installed."""
    paths = {"PYTHONPATH": os.pathsep.join([str(path), str(ROOT)])}
    return tensorboard(
        logdir,
        loader,
        scratch,
        program=PLAIN,
        environment=paths,
        directory=scratch,
        quiet=quiet,
    )


@pytest.mark.parametrize("loader", LOADERS)
def test_it_has_our_tab(runs: Path, loader: str, installed: Path, tmp_path: Path) -> None:
    with plain(runs, loader, installed, tmp_path) as board:
        listing = board.get("plugins_listing")
        assert listing["tracker_compare"]["enabled"] is True
        answer = board.get("plugin/tracker_compare/answer")
        assert [group["name"] for group in answer["comparison"]["groups"]] == [
            "resnet50",
            "se_resnet50",
        ]
        assert b"render" in board.fetch("plugin/tracker_compare/index.js")


def test_what_is_broken_of_ours_is_told_in_our_tab_alone(
    runs: Path, installed: Path, tmp_path: Path
) -> None:
    (installed / "scipy").mkdir()
    (installed / "scipy" / "__init__.py").write_text("raise ImportError('half an installation')")
    with plain(runs, "auto", installed, tmp_path, quiet=False) as board:
        query = {"run": "first/resnet50/s0", "tag": "accuracy/val"}
        points = board.get("plugin/scalars/scalars", query)
        assert [step for _, step, _ in points] == [10, 20, 30]
        told = json.loads(board.fetch("plugin/tracker_compare/answer"))
        assert told["why"].endswith("ImportError: half an installation")


def test_where_there_is_no_run_there_is_no_tab(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with plain(tmp_path / "empty", "auto", installed, tmp_path) as board:
        assert board.get("plugins_listing")["tracker_compare"]["enabled"] is False
