"""Class folders as a data set: the same whether cached or streamed, and refused with reasons."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from tracker.data import cache, image_folder
from tracker.data.dataset import Dataset, Split, balanced_subset, digest_of
from tracker.data.decode import Decoder
from tracker.data.files import Files
from tracker.errors import Damaged, Unavailable, UsageError
from tracker.spec import experiment

CLASSES = ("cat", "dog", "owl")
SIZE = 8


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine, nothing is said for that."""
    monkeypatch.setattr(image_folder, "_PATIENCE", 1e9)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """24 training and 9 validation pictures of several sizes and kinds, as many of each class."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 8), ("val", 3)):
        for name in CLASSES:
            folder = tmp_path / "pictures" / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 256, (6 + number, 9, 3), np.uint8)
                picture = Image.fromarray(pixels).convert(("RGB", "L", "P")[number % 3])
                picture.save(folder / f"{number}.{('png', 'bmp', 'gif')[number % 3]}")
    return tmp_path / "pictures"


def spec(root: Path, **changes: Any) -> experiment.ImageFolder:
    fields: dict[str, Any] = {
        "name": "image_folder",
        "root": str(root),
        "image_size": SIZE,
        "cache": "auto",
        "workers": 0,
        "train_size": None,
        "val_size": None,
        "augment": (),
        "crop_padding": 4,
        "cutout_size": 8,
    }
    return experiment.ImageFolder(**{**fields, **changes})


def build(root: Path, **changes: Any) -> Dataset:
    said: list[str] = []
    dataset = image_folder.build(spec(root, **changes), said.append)
    assert said == []
    return dataset


def everything(split: Split) -> Tensor:
    return split.fetch(torch.arange(len(split)))


def cached(root: Path) -> list[str]:
    return sorted(path.name.partition("-")[2] for path in (root / cache.FOLDER).glob("*"))


def test_pictures_are_cached_and_in_order(root: Path) -> None:
    dataset = build(root)

    assert isinstance(dataset.train.images, Tensor)
    assert everything(dataset.train).shape == (24, 3, SIZE, SIZE)
    assert everything(dataset.val).shape == (9, 3, SIZE, SIZE)
    assert dataset.classes == CLASSES
    assert dataset.train.labels.tolist() == [0] * 8 + [1] * 8 + [2] * 8
    assert dataset.reference.tolist() == [0, 3, 6, 1, 4, 7, 2, 5, 8]
    assert (dataset.name, dataset.image_size) == ("image_folder", SIZE)
    assert cached(root) == ["24+9-8px-v1.pixels"]
    owl = Files(root / "train" / "owl", ["7.bmp"], Decoder(SIZE), workers=0)
    assert torch.equal(everything(dataset.train)[23:], owl.fetch(torch.tensor([0])))


@pytest.mark.parametrize("workers", [0, 2])
def test_streamed_and_cached_are_the_same_to_the_last_bit(workers: int, root: Path) -> None:
    kept = build(root)
    streamed = build(root, cache="never", workers=workers)

    for one, other in ((kept.train, streamed.train), (kept.val, streamed.val)):
        assert isinstance(other.images, Files)
        plan = torch.split(torch.arange(len(one)).flip(0), 5)
        batches = torch.cat(list(other.images.stream(plan)))
        assert torch.equal(batches, everything(one).flip(0))
        assert torch.equal(everything(other), everything(one))
        assert torch.equal(other.labels, one.labels)
    assert streamed.digest == kept.digest == digest_of(kept.train, kept.val)
    assert (streamed.mean, streamed.std) == (kept.mean, kept.std)


def test_mean_and_deviation_are_those_of_the_training_pictures(root: Path) -> None:
    dataset = build(root)
    floats = everything(dataset.train).double().transpose(0, 1).reshape(3, -1) / 255
    assert dataset.mean == pytest.approx(floats.mean(1).tolist(), abs=1e-12)
    assert dataset.std == pytest.approx(floats.std(1, correction=0).tolist(), abs=1e-12)


@pytest.mark.parametrize("how", ["auto", "always", "never"])
def test_the_second_time_nothing_is_decoded(
    how: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build(root, cache=how)
    monkeypatch.setattr(Files, "chunks", None)
    second = build(root, cache=how)
    assert (second.digest, second.mean, second.std) == (first.digest, first.mean, first.std)


def test_a_changed_picture_is_seen_and_the_old_cache_goes(root: Path) -> None:
    before = build(root)
    Image.new("RGB", (50, 50)).save(root / "val" / "cat" / "0.png")

    after = build(root)

    assert after.digest != before.digest
    assert torch.equal(everything(after.train), everything(before.train))
    assert (everything(after.val)[0] == 0).all()
    assert cached(root) == ["24+9-8px-v1.pixels"]


def test_choices_of_classes_live_side_by_side(root: Path) -> None:
    whole = build(root)
    two = build(root, classes=("owl", "cat"))
    others = build(root, classes=("owl", "dog"))

    assert two.classes == ("cat", "owl")
    assert two.train.labels.tolist() == [0] * 8 + [1] * 8
    assert torch.equal(everything(two.train)[8:], everything(whole.train)[16:])
    assert torch.equal(everything(two.train)[8:], everything(others.train)[8:])
    assert not torch.equal(everything(two.train)[:8], everything(others.train)[:8])
    assert len(cached(root)) == 3
    assert build(root, classes=("cat", "owl")).digest == two.digest
    assert len(cached(root)) == 3


def test_a_class_that_has_no_folder_is_named(root: Path) -> None:
    with pytest.raises(UsageError, match="'own', and no class is called so; did you mean 'owl'"):
        build(root, classes=("own", "cat"))


def test_sizes_live_side_by_side(root: Path) -> None:
    build(root)
    assert build(root, image_size=16).train.fetch(torch.tensor([0])).shape == (1, 3, 16, 16)
    assert cached(root) == ["24+9-16px-v1.pixels", "24+9-8px-v1.pixels"]


def test_ways_of_scaling_live_side_by_side(root: Path) -> None:
    way, other = build(root), build(root, interpolation="bicubic")
    assert way.digest != other.digest
    assert cached(root) == ["24+9-8px-bicubic-v1.pixels", "24+9-8px-v1.pixels"]
    streamed = build(root, interpolation="bicubic", cache="never")
    assert streamed.digest == other.digest
    every = torch.arange(24)
    assert torch.equal(streamed.train.fetch(every), other.train.fetch(every))


def test_of_a_smaller_set_only_that_is_decoded(root: Path) -> None:
    whole = build(root)
    kept = balanced_subset(whole.train.labels, 6)
    for name in CLASSES:  # broken, but not in the part in use
        for number in {*range(8)} - {int(k) % 8 for k in kept if k // 8 == CLASSES.index(name)}:
            for path in (root / "train" / name).glob(f"{number}.*"):
                path.write_bytes(b"")

    small = build(root, train_size=6, val_size=3)

    assert torch.equal(everything(small.train), everything(whole.train)[kept])
    assert small.train.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert small.val.labels.tolist() == [0, 1, 2]
    assert small.digest == digest_of(small.train, small.val)


@pytest.mark.parametrize("how", ["auto", "never"])
def test_pictures_that_cannot_be_read_are_counted_and_named(how: str, root: Path) -> None:
    (root / "train" / "cat" / "0.png").write_bytes(b"")
    noise = root / "train" / "dog" / "3.png"
    noise.write_bytes(noise.read_bytes()[:-40])
    (root / "val" / "owl" / "9.jpg").symlink_to("nowhere")

    with pytest.raises(Damaged) as raised:
        build(root, cache=how)

    message = str(raised.value)
    assert message.startswith(
        f"3 of 34 pictures cannot be read: {root}/train/cat/0.png (the file is empty); {noise} ("
    )
    assert message.endswith(
        f"); {root}/val/owl/9.jpg (not a file, or a link to nowhere). "
        "Replace or remove them and run again"
    )
    assert "\n" not in message
    assert cached(root) == []


def test_too_many_pictures_are_streamed_and_it_is_said(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "fits", lambda nbytes, place: nbytes < 33 * 3 * SIZE**2)
    said: list[str] = []

    dataset = image_folder.build(spec(root), said.append)

    assert isinstance(dataset.train.images, Files)
    assert said == ["33 pictures (0.0 GB of pixels) do not fit: they are decoded in every epoch"]
    assert cached(root) == ["24+9-8px-v1.facts"]
    assert isinstance(build(root, cache="always").train.images, Tensor)
    assert isinstance(build(root).train.images, Tensor), "what is there need not fit"


def test_where_the_folder_cannot_be_written_to_the_persons_cache_is_used(root: Path) -> None:
    (root / cache.FOLDER).touch()
    first = build(root)
    assert isinstance(first.train.images, Tensor)
    assert len(list(cache.places(root)[1].glob("*.pixels"))) == 1
    assert build(root).digest == first.digest


def test_where_nothing_can_be_written_to_pictures_are_streamed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "writable", lambda _: None)
    assert isinstance(image_folder.build(spec(root), lambda _: None).train.images, Files)
    assert isinstance(build(root, cache="never").train.images, Files)
    with pytest.raises(Unavailable, match=r"data\.cache is always, but neither .* set it to never"):
        build(root, cache="always")
    assert not (root / cache.FOLDER).exists()


def test_long_work_is_announced_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_folder, "_PATIENCE", -1.0)
    said: list[str] = []
    image_folder.build(spec(root), said.append)
    image_folder.build(spec(root, cache="never"), said.append)
    image_folder.build(spec(root), said.append)
    assert said == [f"decoding 33 pictures into {root / cache.FOLDER}", "decoding 33 pictures"]


def test_no_folders_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"no pictures in .*--set data\.root=FOLDER"):
        build(tmp_path / "none")
    assert list(tmp_path.iterdir()) == []
