"""Runs used from the command line: what is said of any picture, other data, other programs."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image

import tracker
from tests.trained import draw, train, tree
from tracker import tags
from tracker.cli.main import main
from tracker.store.run import Run

Ask = Callable[..., tuple[int, str, str]]

TWO: dict[str, Any] = {
    "name": "two",
    "data": {"name": "image_folder", "image_size": 24, "resize": 26},
    "training": {"epochs": 3, "batch_size": 16, "eval_batch_size": 7, "ema_decay": 0.8},
    "optimizer": {"name": "sgd", "lr": 0.05},
    "logging": {"graph": False, "git_diff": False},
    "matrix": {"model.backbone": ["resnet9", "se_resnet9"]},
    "model": {"backbone": "resnet9", "width": 8},
}
TEN: dict[str, Any] = {
    **TWO,
    "name": "ten",
    "data": {"name": "shapes", "train_size": 64, "val_size": 40, "image_size": 40},
    "training": {"epochs": 1, "batch_size": 32, "precision": "bfloat16", "channels_last": True},
    "matrix": {},
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A person's folder: pictures of two classes, and three runs."""
    place = tmp_path_factory.mktemp("desk")
    draw(place / "pictures" / "train", count=16)
    draw(place / "pictures" / "val", count=11)
    two = {**TWO, "data": {**TWO["data"], "root": str(place / "pictures")}}
    for document in (two, TEN):
        train(place / "runs", document)
    return place


@pytest.fixture
def ask(desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ask:
    monkeypatch.chdir(desk)
    threads = torch.get_num_threads()

    def answer(*arguments: object) -> tuple[int, str, str]:
        code = main(list(map(str, arguments)))
        torch.set_num_threads(threads)
        return code, *capsys.readouterr()

    return answer


def run_of(desk: Path, name: str) -> Run:
    return Run(desk / "runs" / name)


@pytest.mark.parametrize("name", ["two/resnet9/s0", "two/se_resnet9/s0"])
@pytest.mark.parametrize("which", ["best", "last"])
def test_predictions_are_right_as_often_as_the_run_was(
    desk: Path, ask: Ask, name: str, which: str
) -> None:
    before = tree(desk / "runs")
    code, out, err = ask("predict", name, "pictures/val", "--checkpoint", which, "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    right = [one["guesses"][0]["class"] in one["path"] for one in document["pictures"]]
    metric = run_of(desk, name).summary().metrics[tags.ACCURACY_VAL]
    assert len(right) == 22
    assert sum(right) / 22 == getattr(metric, which)
    assert document["schema_version"] == 1
    assert document["classes"] == ["bars", "discs"]
    assert document["faults"] == []
    assert tree(desk / "runs") == before, "a run is not changed by being used"


@pytest.mark.parametrize("name", ["two/resnet9/s0", "two/se_resnet9/s0", "ten/resnet9/s0"])
def test_an_evaluation_comes_out_again_to_the_bit(desk: Path, ask: Ask, name: str) -> None:
    code, out, err = ask("evaluate", name, "--checkpoint", "last", "--json")
    assert (code, err) == (0, "")
    found, metrics = json.loads(out), run_of(desk, name).summary().metrics
    assert found["loss"] == metrics[tags.LOSS_VAL].last
    assert found["accuracy"] == metrics[tags.ACCURACY_VAL].last
    assert found["data"]["same_as_run"] is True
    assert sum(one["pictures"] for one in found["per_class"]) == found["pictures"]
    if name.startswith("ten"):
        assert found["input"]["scaled_from"] == 32
        assert found["accuracy"] <= found["accuracy_top5"] < 1
    else:
        assert found["accuracy_top5"] is None


def test_an_evaluation_in_words(ask: Ask) -> None:
    code, out, _ = ask("evaluate", "two/resnet9", "--data", "pictures/val")
    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    assert lines[0][:4] == ["run", "two/resnet9/s0,", "best", "checkpoint,"]
    assert ["class", "pictures", "right", "accuracy", "taken", "for"] in lines
    assert ["is", "\\", "called", "bars", "discs"] in lines
    [bars] = [line for line in lines if line[:2] == ["bars", "11"]]
    assert bars[3].endswith("%")


def test_other_pictures_in_the_place_of_the_run_s_own_are_said(desk: Path, ask: Ask) -> None:
    extra = desk / "pictures" / "val" / "bars" / "new.png"
    Image.new("RGB", (30, 30)).save(extra)
    try:
        code, out, err = ask("evaluate", "two/resnet9", "--json")
    finally:
        extra.unlink()
    assert (code, err) == (
        0,
        "these are not the pictures it was judged on: they have changed since\n",
    )
    assert json.loads(out)["data"]["same_as_run"] is False


def test_bad_pictures_are_named_and_the_rest_is_done(desk: Path, ask: Ask, tmp_path: Path) -> None:
    some = tmp_path / "some"
    draw(some, count=8)  # every mode
    whole = (some / "bars" / "0.jpg").read_bytes()
    (some / "half.jpg").write_bytes(whole[:-100])
    (some / "words.png").write_text("words")
    (some / "lost.png").symlink_to("gone")
    (some / "notes.txt").write_text("words")
    frames = [Image.new("P", (40, 20), colour) for colour in (0, 1)]
    frames[0].save(some / "moving.gif", save_all=True, append_images=frames[1:])
    code, out, err = ask("predict", "two/resnet9", some, "--topk", "1")
    assert code == 5
    assert len(out.splitlines()) == 1 + 16 + 1
    heard = err.splitlines()
    assert heard[0] == f"left out, not being named like pictures: {some}/notes.txt"
    assert heard[1].startswith(f"{some}/half.jpg: image file is truncated")
    assert heard[2:] == [
        f"{some}/lost.png: not a file, or a link to nowhere",
        f"{some}/words.png: no picture in a known format",
        "3 of 20 pictures could not be read",
    ]
    document = json.loads(ask("predict", "two/resnet9", some / "words.png", "--json")[1])
    assert document["pictures"] == []
    assert document["faults"] == [
        {"path": f"{some}/words.png", "reason": "no picture in a known format"}
    ]


def test_a_sheet_of_pictures(ask: Ask, tmp_path: Path) -> None:
    code, _, err = ask("predict", "two/resnet9", "pictures", "--grid", tmp_path / "grid.png")
    assert (code, err) == (0, f"wrote {tmp_path}/grid.png\n")
    with Image.open(tmp_path / "grid.png") as grid:
        assert grid.size == (8 * 138 + 10, 7 * 170 + 10)  # of 54
    several = ["pictures"] * 2
    code, _, err = ask("predict", "two/resnet9", *several, "--grid", tmp_path / "grid.png")
    assert err == f"wrote {tmp_path}/grid.png, without the last 48 pictures\n"


def test_a_sheet_is_drawn_though_nobody_reads_the_table(desk: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "made" / "grid.png"
    arguments = ["predict", "two/resnet9", "pictures/val", "--topk", "1", "--grid", str(sheet)]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "tracker", *arguments],
        cwd=desk,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, f"wrote {sheet}\n")
    with Image.open(sheet) as grid:
        assert grid.width == 5 * 138 + 10  # of 22


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["predict", "nothing", "pictures"], 3, "no run in runs fits 'nothing'"),
        (["predict", "two", "pictures"], 3, "2 runs fit 'two'"),
        (["predict", "two/resnet9", "gone"], 6, "there is no file or folder gone"),
        (["predict", "two/resnet9", "two.json", "empty"], 6, "no file or folder empty"),
        (["predict", "two/resnet9"], 2, "Missing argument"),
        (["predict", "two/resnet9", "pictures", "--topk", "0"], 2, "--topk"),
        (["predict", "two/resnet9", "pictures", "--grid", "x.jpg"], 2, "must end in .png"),
        (["predict", "two/resnet9", "pictures", "--grid", "two.json/x.png"], 6, "cannot make two."),
        (["evaluate", "two/resnet9", "--data", "shapes"], 2, "never learned"),
        (["evaluate", "two/resnet9", "--data", "gone"], 6, "no such folder"),
        (["export", "two/resnet9", "--onnx", "x.pth"], 2, "must end in .onnx"),
        (["export", "two/resnet9", "--onnx", "no/x.onnx"], 6, "there is no folder no"),
        (["export", "two", "--weights", "x.pth"], 3, "2 runs fit 'two'"),
        (["export", "--weights", "x.pth"], 2, "of one RUN"),
        (["export", "two/resnet9", "--weights", "x.pth", "--csv"], 2, "without its curves"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_said_in_words(
    desk: Path, ask: Ask, arguments: list[str], code: int, words: str
) -> None:
    before = {path.name for path in desk.iterdir()}
    found, out, err = ask(*arguments)
    assert (found, out) == (code, "")
    assert words in err
    assert {path.name for path in desk.iterdir()} == before


def test_what_leaves_says_the_same_elsewhere(desk: Path, ask: Ask, tmp_path: Path) -> None:
    names = {kind: tmp_path / f"net{kind}" for kind in (".safetensors", ".onnx", ".pt2")}
    code, out, err = ask(
        *("export", "two/se_resnet9", "--weights", names[".safetensors"]),
        *("--onnx", names[".onnx"], "--program", names[".pt2"]),
    )
    assert (code, out) == (0, "")
    assert [line.split(":")[0] for line in err.splitlines()] == [
        f"wrote {path}" for path in names.values()
    ]
    assert "the same weights, bit for bit" in err
    net = tracker.load("two/se_resnet9", device="cpu")
    files = sorted((desk / "pictures" / "val").rglob("*.*"))
    pictures = net.preprocess(*files)
    with torch.inference_mode():
        logits = net.model(pictures)
    [found] = onnxruntime.InferenceSession(names[".onnx"]).run(None, {"pictures": pictures.numpy()})
    np.testing.assert_allclose(found, logits.numpy(), rtol=1e-4, atol=1e-4)
    program = torch.export.load(names[".pt2"]).module()
    torch.testing.assert_close(program(pictures), logits, rtol=1e-5, atol=1e-5)


def test_exported_weights_are_where_another_run_can_start(
    desk: Path, ask: Ask, tmp_path: Path
) -> None:
    assert ask("export", "two/resnet9", "--weights", tmp_path / "net.pth")[0] == 0
    shutil.copytree(desk / "pictures", tmp_path / "pictures")
    [second] = train(
        tmp_path / "runs",
        {
            **{key: value for key, value in TWO.items() if key != "matrix"},
            "name": "second",
            "data": {**TWO["data"], "root": str(tmp_path / "pictures")},
            "model": {**TWO["model"], "weights": {"file": str(tmp_path / "net.pth")}},
            "training": {**TWO["training"], "max_steps": 1},
        },
    )
    weights = second.summary().weights
    assert weights is not None
    assert weights["sha256"] == hashlib.sha256((tmp_path / "net.pth").read_bytes()).hexdigest()
    assert weights["fresh"] == []


def test_from_python(desk: Path, ask: Ask) -> None:
    net = tracker.load("two/resnet9", root=desk / "runs", checkpoint="last", device="cpu")
    file = desk / "pictures" / "val" / "bars" / "1.png"
    with torch.inference_mode(), net.machine.autocast():
        scores = net.model(net.preprocess(file)).float().softmax(1)
    [one] = json.loads(ask("predict", net.run.id, file, "--checkpoint", "last", "--json")[1])[
        "pictures"
    ]
    said = {guess["index"]: guess["probability"] for guess in one["guesses"]}
    assert [said[at] for at in range(2)] == scores[0].tolist()
    [opened] = tracker.open_runs("two/resnet9", root=desk / "runs")
    for ref in (opened, opened.path):
        assert tracker.load(ref, root=desk / "runs", checkpoint="last").entry == net.entry
