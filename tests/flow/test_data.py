"""`tracker data` shows what training feeds: held against what really reaches the network."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from tracker.cli.main import main
from tracker.data.augment import denormalise
from tracker.data.batches import Loader, eval_batches
from tracker.launch import here
from tracker.launch.plan import choose, jobs_of
from tracker.launch.preview import Preview, previews
from tracker.models.build import build
from tracker.record.sheet import sheet
from tracker.spec.load import load

SPEC: dict[str, Any] = {
    "name": "e",
    "seed": 3,
    "data": {
        "name": "shapes",
        "train_size": 90,
        "val_size": 20,
        "augment": ["random_resized_crop", "horizontal_flip", "cutout"],
    },
    "model": {"backbone": "resnet9", "width": 4},
    "training": {"epochs": 1, "batch_size": 40, "threads": 1},
    "logging": {"graph": False, "git_diff": False},
}


@pytest.fixture(params=["shapes", "scaled", "folder", "streamed"])
def spec(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A spec of each kind of data."""
    asked = {**SPEC, "data": {**SPEC["data"]}}
    if request.param == "scaled":
        asked["data"] |= {"image_size": 40, "interpolation": "bicubic"}
    if request.param in ("folder", "streamed"):
        rng = np.random.default_rng(0)
        for name, count in (
            ("train/ants", 30),
            ("train/bees", 20),
            ("val/ants", 3),
            ("val/bees", 2),
        ):
            (tmp_path / "pictures" / name).mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 256, (30, 40 + number, 3), np.uint8)
                Image.fromarray(pixels).save(tmp_path / "pictures" / name / f"{number}.png")
        asked["data"] = {
            "name": "image_folder",
            "root": str(tmp_path / "pictures"),
            "image_size": 24,
            "resize": 28,
            "augment": SPEC["data"]["augment"],
            "cache": "never" if request.param == "streamed" else "auto",
        }
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(asked))
    return path


def preview(spec: Path) -> Preview:
    [one] = previews(load(spec), spec.parent / "runs", print)
    return one


def test_the_network_is_given_what_was_shown(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[Tensor] = []
    judged: list[Tensor] = []

    def listening(*arguments: Any, **options: Any) -> nn.Module:
        model = build(*arguments, **options)

        def note(net: nn.Module, given: tuple[Tensor]) -> None:
            (trained if net.training else judged).append(given[0].clone())

        model.register_forward_pre_hook(note)
        return model

    monkeypatch.setattr("tracker.runner.build_model", listening)
    jobs = choose(jobs_of(spec, tmp_path / "runs"))
    [done] = here.execute(
        jobs, root=tmp_path / "runs", argv=["tracker"], watch=lambda _: None, say=print
    )
    assert done.failure is None
    shown = preview(spec)
    first, plain = shown.first_batch(), shown.first_unchanged()
    assert torch.equal(first.images, next(each for each in trained if len(each) == 40))
    assert not torch.equal(first.images, plain.images)
    few = shown.evaluated(4)
    every = next(each for each in judged if len(each) == len(shown.dataset.val))
    assert torch.equal(few.images, every[shown.dataset.reference[:4]])


def test_each_picture_has_its_own_name(spec: Path) -> None:
    one = preview(spec)
    train, plain = one.dataset.train, one.first_unchanged()
    loader = Loader(
        train, len(train), mean=one.dataset.mean, std=one.dataset.std, device=torch.device("cpu")
    )
    every = next(eval_batches(loader))
    names = {image.numpy().tobytes(): int(label) for image, label in zip(*every, strict=True)}
    assert len(names) == len(train)
    found = [names[image.numpy().tobytes()] for image in plain.images]
    assert found == plain.labels.tolist() == one.first_batch().labels.tolist()
    validation = one.evaluated(10)
    assert torch.equal(validation.labels, one.dataset.val.labels[one.dataset.reference[:10]])


def test_the_grid_holds_those_pictures(spec: Path, tmp_path: Path) -> None:
    grid = tmp_path / "made" / "out.png"
    assert main(["data", str(spec), "--grid", str(grid), "--count", "6"]) == 0
    one = preview(spec)
    batch = one.first_batch()
    images = denormalise(batch.images[:6], one.dataset.mean, one.dataset.std)
    names = [one.dataset.classes[label] for label in batch.labels[:6]]
    with Image.open(grid) as found, Image.open(io.BytesIO(sheet(images, names, "ab"))) as wanted:
        assert found.size == wanted.size
        assert np.array_equal(np.asarray(found)[50:], np.asarray(wanted)[50:])
    assert [path.name for path in grid.parent.iterdir()] == ["out.png"]


def test_the_seed_is_the_runs(spec: Path, tmp_path: Path) -> None:
    one, other = tmp_path / "one.png", tmp_path / "other.png"
    assert main(["data", str(spec), "--grid", str(one)]) == 0
    assert main(["data", str(spec), "--grid", str(other), "--seed", "4"]) == 0
    assert one.read_bytes() != other.read_bytes()
    assert main(["data", str(spec), "--grid", str(other), "--seed", "3"]) == 0
    assert one.read_bytes() == other.read_bytes()
