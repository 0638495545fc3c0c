"""`tracker data`: what is said, what is drawn, what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tracker.cli.previews import class_table, facts
from tracker.data.dataset import Dataset, Split
from tracker.launch.preview import Preview, previews
from tracker.models.expected import Expected
from tracker.spec.load import from_document, load

Answer = Callable[..., tuple[int, str, str]]
DATA: dict[str, Any] = {"name": "shapes", "train_size": 90, "val_size": 20}


@pytest.fixture
def spec(tmp_path: Path) -> Callable[..., Path]:
    def write(**blocks: Any) -> Path:
        path = tmp_path / "spec.json"
        path.write_text(
            json.dumps({"name": "e", "data": DATA, "training": {"batch_size": 40}} | blocks)
        )
        return path

    return write


def test_it_says_what_there_is_and_what_becomes_of_it(
    answer: Answer, spec: Callable[..., Path]
) -> None:
    path = spec(data={**DATA, "image_size": 64, "augment": ["cutout"], "cutout_size": 5})
    code, said, warned = answer("data", path, "--set", "training.mixup_alpha=0.2")
    assert (code, warned) == (0, "")
    page, table = said.split("\n\n")
    lines = dict(line.split(maxsplit=1) for line in page.splitlines())
    assert lines == {
        "data": "shapes: 90 training and 20 validation pictures of 10 classes",
        "pictures": "32×32, scaled to 64×64 on their way into the network (bilinear)",
        "augmented": "cutout: a square of 5 pixels painted over",
        "mixup:": "blended in pairs in each step, alpha 0.2",
        "normalised": "mean 0.532 0.539 0.539, deviation 0.234 0.243 0.229, as the training "
        "pictures have it",
        "training": "batches of 40, 2 an epoch; 10 other pictures are left out of each",
        "evaluation": "all of them, not augmented, 500 at a time",
        "digest": lines["digest"],
    }
    assert len(lines["digest"]) == 64
    rows = [line.split() for line in table.splitlines()]
    assert rows[0] == ["class", "training", "validation"]
    assert rows[1] == ["circle", "9", "2"]
    assert len(rows) == 11


def test_a_program_is_told_the_same(answer: Answer, spec: Callable[..., Path]) -> None:
    path = spec(data={**DATA, "classes": ["ring", "heart"]})
    code, said, _ = answer("data", path, "--json", "--seed", 7)
    assert code == 0
    [one] = json.loads(said)["data"]
    assert one["classes"] == [
        {"name": "heart", "train": 45, "val": 10},
        {"name": "ring", "train": 45, "val": 10},
    ]
    assert (one["name"], one["seed"], one["batch_size"], one["batches"]) == ("shapes", 7, 40, 2)
    assert one["input"]["image_size"] == 32
    assert (one["normalised_by"], one["augment"]) == ("pictures", [])
    assert json.loads(said)["files"] == []


def test_each_kind_of_data_has_its_own_grid(
    answer: Answer, spec: Callable[..., Path], tmp_path: Path
) -> None:
    matrix = {
        "model.backbone": ["resnet9", "small_cnn"],
        "data.augment": [[], ["cutout"]],
        "seed": [0, 1],
    }
    path = spec(matrix=matrix)
    code, said, _ = answer("data", path, "--grid", tmp_path / "out.png", "--count", 3)
    assert code == 0
    files = said.split()
    assert set(files) == set(map(str, tmp_path.glob("*.png")))
    assert len(files) == 2
    names = [Path(file).stem for file in files]
    assert all(name.startswith("out-resnet9") for name in names)
    assert Path(files[0]).read_bytes() != Path(files[1]).read_bytes()
    variant = names[1].removeprefix("out-")
    code, said, _ = answer(
        *("data", path, "--variant", variant, "--count", 3, "--grid", tmp_path / "one.png")
    )
    assert (code, said.split()) == (0, [str(tmp_path / "one.png")])
    assert (tmp_path / "one.png").read_bytes() == Path(files[1]).read_bytes()
    code, said, _ = answer("data", path)
    assert code == 0
    assert [line for line in said.splitlines() if line.startswith("runs")] == [
        f"runs        {name.removeprefix('out-')}, "
        f"{name.removeprefix('out-').replace('resnet9', 'small_cnn')}"
        for name in names
    ]


def test_a_count_beyond_what_there_is_draws_all(
    answer: Answer, spec: Callable[..., Path], tmp_path: Path
) -> None:
    for view in ([], ["--plain"], ["--val"]):
        assert answer("data", spec(), "--grid", tmp_path / "a.png", "--count", 99, *view)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--val"], "--plain, --val and --count go with --grid"),
        (["--count", "3"], "--plain, --val and --count go with --grid"),
        (["--grid", "a.jpg"], "--grid: the file's name must end in .png"),
        (["--grid", "a.png", "--val", "--plain"], "--plain and --val exclude each other"),
        (["--variant", "cifar_resnet2"], "no variant is called 'cifar_resnet2'; did you mean"),
        (["--set", "model.backbone=inception_v3"], "takes pictures of 299×299 and up"),
    ],
)
def test_what_makes_no_sense_is_refused(
    answer: Answer,
    spec: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, said, warned = answer("data", spec(), *arguments)
    assert (code, said) == (2, "")
    assert words in warned
    assert not list(tmp_path.glob("*.png"))


def test_data_that_is_not_there_is_said(
    answer: Answer, spec: Callable[..., Path], tmp_path: Path
) -> None:
    path = spec(data={"name": "image_folder", "root": str(tmp_path / "none")})
    code, _, warned = answer("data", path)
    assert code == 6
    assert "no pictures in" in warned


def test_where_the_mean_is_from_is_said(spec: Callable[..., Path]) -> None:
    own = {"mean": [0.1, 0.2, 0.3], "std": [1, 1, 1]}
    weights = {"backbone": "resnet18", "weights": "DEFAULT"}
    asked = [({}, {}, "pictures"), (own, weights, "spec"), ({}, weights, "weights")]
    for data, model, wanted in asked:
        [one] = previews(load(spec(data=DATA | data, model=model)), Path("runs"), print)
        assert one.norm == wanted
    assert one.dataset.mean == one.expected.mean == (0.485, 0.456, 0.406)
    assert "as the weights were trained with" in facts(one, alone=True)["normalised"]


def test_of_very_many_classes_the_first_are_listed() -> None:
    labels = torch.arange(150)
    split = Split(torch.zeros(150, 3, 8, 8, dtype=torch.uint8), labels)
    names = tuple(f"class {label}" for label in range(150))
    norm = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    dataset = Dataset("many", split, split, names, *norm, 8, "00", labels)
    expected = Expected(image_size=8, resize=8, mean=norm[0], std=norm[1])
    experiment = from_document({"name": "e"})
    table = class_table(Preview(experiment, ("e",), dataset, expected, "pictures"))
    assert table.rows[99] == ("class 99", "1", "1")
    assert table.rows[100:] == [("and 50 more", "", "")]
