"""The drawn data set: each picture alone, the same for ever, and neither too easy nor too hard."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional

from tracker.data import shapes
from tracker.data.augment import Recipe
from tracker.data.batches import Loader, TrainBatches, eval_batches
from tracker.data.dataset import Split, channel_statistics, digest_of
from tracker.data.outlines import OUTLINES
from tracker.models.build import build as build_model
from tracker.spec import experiment


def spec(train_size: int = 40, val_size: int = 25, data_seed: int = 0) -> experiment.Shapes:
    return experiment.Shapes(
        name="shapes",
        train_size=train_size,
        val_size=val_size,
        data_seed=data_seed,
        augment=(),
        crop_padding=4,
        cutout_size=8,
    )


def pixels(data_seed: int, split: int, count: int) -> torch.Tensor:
    images = shapes.draw(data_seed, split, count).images
    assert isinstance(images, torch.Tensor)
    return images


def test_pictures_never_change() -> None:
    # Whoever changes this digest changes what every run on shapes has learnt from.
    known = "d589899004d8537a89c4cbffab7f54282a763342616088a3b7f4c97d2bd323be"
    assert digest_of(shapes.draw(0, shapes.TRAIN, 200)) == known


@pytest.mark.parametrize("count", [1, 9, 30, 31, 64])
def test_a_picture_does_not_depend_on_how_many_there_are(count: int) -> None:
    assert torch.equal(pixels(1, shapes.TRAIN, count), pixels(1, shapes.TRAIN, 100)[:count])


def test_splits_and_data_seeds_share_no_picture() -> None:
    drawn = [
        pixels(0, shapes.TRAIN, 50),
        pixels(0, shapes.VAL, 50),
        pixels(1, shapes.TRAIN, 50),
        pixels(1, shapes.VAL, 50),
    ]
    assert len(torch.cat(drawn).flatten(1).unique(dim=0)) == 200


def test_a_data_set_holds_what_was_asked_for() -> None:
    data = shapes.build(spec())
    assert data.name == "shapes"
    assert data.classes == tuple(sorted(data.classes))
    assert len(data.classes) == 10
    assert isinstance(data.train.images, torch.Tensor)
    assert data.train.images.shape == (40, 3, 32, 32)
    assert data.train.images.dtype == torch.uint8
    assert (len(data.train), len(data.val), data.image_size) == (40, 25, 32)
    assert torch.bincount(data.train.labels).tolist() == [4] * 10
    assert torch.bincount(data.val.labels).tolist() == [3] * 5 + [2] * 5
    assert (data.mean, data.std) == channel_statistics([data.train.images])
    assert data.digest == digest_of(data.train, data.val)
    assert data.val.labels[data.reference].tolist() == [*range(10), *range(10), *range(5)]


def test_a_choice_of_classes_is_made_of_the_same_pictures() -> None:
    whole = shapes.build(spec(train_size=100))
    some = shapes.build(replace(spec(train_size=27, val_size=8), classes=("star", "cross")))
    theirs = whole.train.labels
    places = ((theirs == 2) | (theirs == 8)).nonzero()[:, 0]

    assert some.classes == ("cross", "star")
    assert some.train.labels.tolist() == [0, 1] * 13 + [0]
    assert torch.equal(
        some.train.fetch(torch.arange(20)), whole.train.fetch(places)
    )  # 20 of the hundred are such
    assert len(some.val) == 8


def test_digests_tell_sizes_and_data_seeds_apart() -> None:
    digests = {
        shapes.build(made).digest
        for made in (spec(), spec(train_size=41), spec(val_size=26), spec(data_seed=1))
    }
    assert len(digests) == 4


def test_drawing_leaves_torchs_generator_alone() -> None:
    before = torch.random.get_rng_state()
    shapes.draw(0, shapes.TRAIN, 40)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_linear_model_learns_something_but_not_much() -> None:
    """Ridge regression on brightness, solved exactly: better than chance, far from good."""
    train, val = (
        pixels(0, split, count).double().mean(1).flatten(1) / 255
        for split, count in ((shapes.TRAIN, 3000), (shapes.VAL, 1000))
    )
    centre = train.mean(0)
    train, val = train - centre, val - centre
    targets = torch.eye(10, dtype=torch.float64).repeat(300, 1) - 0.1
    weights = torch.linalg.solve(train.T @ train + 100 * torch.eye(1024), train.T @ targets)
    right = ((val @ weights).argmax(1) == torch.arange(1000) % 10).double().mean()
    assert 0.17 < right < 0.4


def accuracy(model: nn.Module, epochs: int) -> float:
    """Of `model` on 1,000 pictures it never saw, after `epochs` on 4,000 others."""
    data = shapes.build(spec(4000, 1000))

    def loader(split: Split, batch_size: int) -> Loader:
        device = torch.device("cpu")
        return Loader(split, batch_size, mean=data.mean, std=data.std, device=device)

    batches = TrainBatches(loader(data.train, 64), Recipe(), seed=0)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    for epoch in range(epochs):
        for images, labels in batches.epoch(epoch):
            functional.cross_entropy(model(images), labels).backward()
            optimizer.step()
            optimizer.zero_grad()
    with torch.inference_mode():
        right = sum(
            int((model(images).argmax(1) == labels).sum())
            for images, labels in eval_batches(loader(data.val, 250))
        )
    return right / len(data.val)


def test_softmax_regression_stays_far_behind() -> None:
    linear = nn.Linear(3 * 32 * 32, 10)
    nn.init.zeros_(linear.weight)
    nn.init.zeros_(linear.bias)
    assert 0.15 < accuracy(nn.Sequential(nn.Flatten(), linear), epochs=3) < 0.35


@pytest.mark.slow
def test_a_small_network_learns_most_in_three_epochs() -> None:
    block = experiment.Model(backbone="small_cnn", stem=None, width=None)
    assert accuracy(build_model(block, num_classes=10, seed=0), epochs=3) > 0.5


GRID = torch.linspace(-1.5, 1.5, 151)


@pytest.mark.parametrize("name", OUTLINES)
def test_an_outline_is_centred_of_unit_radius_and_of_some_area(name: str) -> None:
    x, y = GRID.expand(151, 151), GRID[:, None].expand(151, 151)
    inside = OUTLINES[name](x, y) < 0
    reach = (x**2 + y**2).sqrt()[inside].max()
    assert 0.8 < reach < 1.25
    share = inside.float().mean() * 9 / torch.pi  # of the unit disc
    assert 0.25 < share < 0.85
    assert abs(float(x[inside].mean())) < 0.4
    assert abs(float(y[inside].mean())) < 0.4


def test_no_two_outlines_are_alike() -> None:
    x, y = GRID.expand(151, 151), GRID[:, None].expand(151, 151)
    masks = [outline(x, y) < 0 for outline in OUTLINES.values()]
    for k, one in enumerate(masks):
        for other in masks[:k]:
            assert (one & other).sum() < 0.9 * (one | other).sum()
