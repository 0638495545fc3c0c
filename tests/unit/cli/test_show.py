"""`tracker show`: the pictures of a run as files, and what weights it began with in words."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tracker import tags
from tracker.cli.facts import facts
from tracker.record.tensorboard import RunWriter
from tracker.store import index
from tracker.store.run import Run

Answer = Callable[..., tuple[int, str, str]]
NAME = "first/resnet50/s0"


@pytest.fixture
def run(make_run: Callable[..., Run], tmp_path: Path) -> Run:
    """A run that drew its inputs before the first step, and three things at steps 10 and 20."""
    made = make_run(tmp_path / "runs", "resnet50", 0)

    def plain(grey: int) -> Any:
        return np.full((4, 6, 3), grey, np.uint8)

    with RunWriter(made.path, warn=pytest.fail) as writer:
        writer.picture(tags.INPUTS, 0, plain, 1)
        for step in (10, 20):
            for place, tag in enumerate((tags.PREDICTIONS, tags.CONFUSION, tags.FILTERS)):
                writer.picture(tag, step, plain, step + place)
        writer.picture("others/drawing", 20, plain, 9)
    return made


def greys(folder: Path) -> dict[str, int]:
    """The level of each picture in `folder`."""
    found = {}
    for path in sorted(folder.iterdir()):
        with Image.open(io.BytesIO(path.read_bytes())) as picture:
            assert (picture.format, picture.size) == ("PNG", (6, 4))
            [found[path.name]] = np.unique(np.asarray(picture)).tolist()
    return found


def test_the_last_pictures_are_saved_and_listed(
    run: Run, answer: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, said, warned = answer("show", NAME, "--images")
    assert (code, warned) == (0, "")
    wanted = {"inputs-0": 1, "predictions-20": 20, "confusion-20": 21, "filters-20": 22}
    assert greys(tmp_path / "first-resnet50-s0-pictures") == {
        f"{name}.png": level for name, level in sorted(wanted.items())
    }
    lines = [line.split() for line in said.splitlines()]
    assert lines[0] == ["picture", "step", "pixels", "file"]
    folder = "first-resnet50-s0-pictures"
    assert lines[1:] == [[*name.split("-"), "6×4", f"{folder}/{name}.png"] for name in wanted]


def test_those_of_a_step_come_with_the_inputs(run: Run, answer: Answer, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "down"
    code, said, _ = answer(
        *("--runs", tmp_path / "runs", "show", NAME, "--images", "-o", folder),
        *("--step", 10, "--json"),
    )
    assert code == 0
    assert greys(folder) == {
        "confusion-10.png": 11, "filters-10.png": 12, "inputs-0.png": 1, "predictions-10.png": 10,
    }  # fmt: skip
    told = json.loads(said)
    assert told["run"] == NAME
    assert told["pictures"][1] == {
        "name": "predictions",
        "step": 10,
        "width": 6,
        "height": 4,
        "file": str(folder / "predictions-10.png"),
    }


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--images", "--step", "15"], 2, "no pictures at step 15; it did at 0, 10, 20"),
        (["--step", "10"], 2, "--output and --step go with --images"),
        (["-o", "x"], 2, "--output and --step go with --images"),
    ],
)
def test_what_cannot_be_is_said(
    run: Run, answer: Answer, tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    found, said, warned = answer("--runs", tmp_path / "runs", "show", NAME, *arguments)
    assert (found, said) == (code, "")
    assert words in warned


def test_a_run_without_pictures_makes_no_folder(
    answer: Answer, make_run: Callable[..., Run], tmp_path: Path
) -> None:
    make_run(tmp_path / "runs", "resnet50", 0)
    ask = ("--runs", tmp_path / "runs", "show", NAME, "--images", "-o", tmp_path / "x")
    code, _, warned = answer(*ask)
    assert (code, "drew no pictures" in warned) == (6, True)
    code, _, warned = answer(*ask, "--step", 3)
    assert (code, "no pictures at step 3; nor at any other" in warned) == (2, True)
    assert not (tmp_path / "x").exists()


def test_up_to_its_damage_a_file_is_read(run: Run, answer: Answer, tmp_path: Path) -> None:
    events = sorted(run.path.glob("events*"))[-1]
    data = bytearray(events.read_bytes())
    data[-40] ^= 1
    events.write_bytes(data)
    code, said, warned = answer(
        "--runs", tmp_path / "runs", "show", NAME, "--images", "-o", tmp_path / "x"
    )
    assert code == 0
    assert "damaged at byte" in warned
    assert len(said.splitlines()) == 5


def told(run: Run, asked: dict[str, Any], summary: dict[str, Any]) -> dict[str, str]:
    return facts(index.record(run), asked, {}, summary, [], [])


def test_weights_are_told_in_words(run: Run) -> None:
    spec = {"model": {"weights": {"run": "a/b/s0", "checkpoint": "best"}, "freeze": False}}
    assert told(run, spec, {})["asked"] == (
        "model: weights (run a/b/s0, checkpoint best), freeze no"
    )
    spec = {"model": {"weights": {"file": "x.pth"}, "freeze": {"until_epoch": 3}}}
    assert told(run, spec, {})["asked"] == "model: weights (file x.pth), freeze (until_epoch 3)"
    began = {"source": "a/b/s0 step 4", "sha256": "0123456789abcdef", "fresh": ["fc"]}
    known = {"image_size": 224, "resize": 224, "mean": [0.1, 0.2, 0.3], "std": [1, 1, 0.5]}
    page = told(run, {}, {"weights": began, "input": known})
    assert page["began"] == "with a/b/s0 step 4, sha256 0123456789ab…, at random: fc"
    assert page["input"] == "224×224 pixels, mean 0.100 0.200 0.300, deviation 1.000 1.000 0.500"
    cut = told(run, {}, {"input": {**known, "resize": 256, "interpolation": "bicubic"}})
    assert cut["input"].startswith("224×224 pixels, cut out of 256, bicubic, mean")
    grown = told(run, {}, {"input": {**known, "scaled_from": 32, "interpolation": "bilinear"}})
    assert grown["input"].startswith("224×224 pixels, scaled from 32 pixels, bilinear, mean")


@pytest.mark.parametrize(
    "summary",
    [
        {"weights": 3, "input": []},
        {"weights": {}, "input": {}},
        {"weights": {"sha256": 3, "fresh": "x"}, "input": {"mean": [None, "x"], "std": 4}},
    ],
)
def test_a_summary_of_another_make_breaks_nothing(run: Run, summary: dict[str, Any]) -> None:
    assert told(run, {}, summary)["run"] == NAME
