"""Batches at another size: what Pillow makes of the same pictures, the same bytes every time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from tracker.data.augment import Recipe, normalise
from tracker.data.batches import Loader, TrainBatches, eval_batches
from tracker.data.build import build
from tracker.data.scaling import Scaling, scaled
from tracker.spec.experiment import Interpolation, Shapes

BY_PILLOW: dict[Interpolation, Image.Resampling] = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}


def noise(height: int, width: int) -> torch.Tensor:
    rng = np.random.default_rng(5)
    return torch.from_numpy(rng.integers(0, 256, (3, 3, height, width), np.uint8))


def pillows(images: torch.Tensor, size: int, by: Image.Resampling) -> torch.Tensor:
    pictures = (Image.fromarray(one.permute(1, 2, 0).numpy()) for one in images)
    arrays = [np.asarray(one.resize((size, size), by)) for one in pictures]
    return torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2)


@pytest.mark.parametrize("interpolation", BY_PILLOW)
@pytest.mark.parametrize("size", [224, 299, 33, 31, 8])
@pytest.mark.parametrize("sides", [(32, 32), (40, 57)])
def test_it_is_what_pillow_makes(
    sides: tuple[int, int], size: int, interpolation: Interpolation
) -> None:
    images = noise(*sides)
    before = images.clone()
    found = scaled(images, Scaling(size, interpolation))
    wanted = pillows(images, size, BY_PILLOW[interpolation])
    assert found.dtype == torch.uint8
    off = (found.short() - wanted.short()).abs()
    assert off.max() <= 2
    assert (off > 0).float().mean() < 0.1
    assert torch.equal(images, before)


@pytest.mark.parametrize("interpolation", BY_PILLOW)
def test_one_colour_stays_one_colour(interpolation: Interpolation) -> None:
    colours = torch.tensor([0, 1, 127, 254, 255], dtype=torch.uint8)
    plain = colours.view(-1, 1, 1, 1).expand(-1, 3, 32, 32)
    for size in (17, 224):
        grown = scaled(plain, Scaling(size, interpolation))
        assert torch.equal(grown, colours.view(-1, 1, 1, 1).expand(-1, 3, size, size))


def test_pictures_of_the_size_are_left_alone() -> None:
    images = noise(32, 32)
    assert scaled(images, Scaling(32, "bicubic")) is images


def test_half_precision_around_it_changes_nothing() -> None:
    images, to = noise(32, 32), Scaling(224, "bicubic")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = scaled(images, to)
    assert torch.equal(inside, scaled(images, to))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("tf32", [False, True])
def test_a_gpu_makes_the_same_bytes(tf32: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cuda.matmul, "allow_tf32", tf32)
    for interpolation in BY_PILLOW:
        images, to = noise(32, 32), Scaling(224, interpolation)
        assert torch.equal(scaled(images.cuda(), to).cpu(), scaled(images, to))


def shapes(image_size: int | None, interpolation: Interpolation | None = None) -> Shapes:
    return Shapes(
        name="shapes",
        train_size=20,
        val_size=10,
        data_seed=0,
        augment=("random_crop", "cutout"),
        crop_padding=4,
        cutout_size=8,
        image_size=image_size,
        interpolation=interpolation,
    )


def test_a_data_set_is_kept_small_and_handed_on_large() -> None:
    small, large = build(shapes(None), log=print), build(shapes(64, "bicubic"), log=print)
    assert (small.image_size, small.scaled_from) == (32, None)
    assert (large.image_size, large.scaled_from) == (64, 32)
    assert large.digest == small.digest
    assert large.train.fetch(torch.arange(3)).shape == (3, 3, 32, 32)
    cpu = torch.device("cpu")
    loader = Loader(large.train, 8, mean=large.mean, std=large.std, device=cpu)
    recipe = Recipe(("random_crop", "cutout"))
    first = next(iter(TrainBatches(loader, recipe, seed=3).epoch(0)))
    kept = Loader(small.train, 8, mean=(0, 0, 0), std=(1 / 255,) * 3, device=cpu)
    as_kept = next(iter(TrainBatches(kept, recipe, seed=3).epoch(0)))
    wanted = scaled(as_kept.images.to(torch.uint8), Scaling(64, "bicubic"))
    assert torch.equal(first.images, normalise(wanted, large.mean, large.std))
    assert torch.equal(first.labels, as_kept.labels)
    assert [len(batch.images) for batch in eval_batches(loader)] == [8, 8, 4]


def test_its_own_size_is_no_scaling() -> None:
    found = build(shapes(32, "bicubic"), log=print)
    assert (found.train.scaling, found.scaled_from) == (None, None)


def test_bilinear_is_what_is_meant_where_nothing_is_said() -> None:
    assert build(shapes(48), log=print).val.scaling == Scaling(48, "bilinear")
