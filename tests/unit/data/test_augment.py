"""Augmentation, held to slow and plain readings of what each change is; and what it may draw on."""

import hashlib

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import example, given
from torch import Tensor

from tracker.data import augment as module
from tracker.data.augment import AUGMENTATIONS, Recipe, augment, denormalise, normalise
from tracker.spec import experiment

NAMES: tuple[experiment.Augmentation, ...] = (
    "random_crop",
    "horizontal_flip",
    "random_resized_crop",
    "cutout",
)
SHAPES = [(32, 32), (9, 14), (1, 1), (2, 5)]


def pictures(count: int = 16, height: int = 9, width: int = 14) -> Tensor:
    generator = torch.Generator().manual_seed(height * width)
    shape = (count, 3, height, width)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)


def recipe(*names: experiment.Augmentation, padding: int = 3, cutout: int = 4) -> Recipe:
    return Recipe(names, padding, cutout, fill=(10, 20, 30))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("height", "width"), SHAPES)
def test_a_change_keeps_shape_and_type_and_leaves_its_input_alone(
    name: experiment.Augmentation, height: int, width: int
) -> None:
    images = pictures(height=height, width=width)
    before = images.clone()
    changed = augment(images, recipe(name), 1)
    assert changed.shape == images.shape
    assert changed.dtype == torch.uint8
    assert changed.data_ptr() != images.data_ptr()
    assert torch.equal(images, before)


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_depends_on_seed_and_place_alone(name: experiment.Augmentation) -> None:
    images = pictures()
    changed = augment(images, recipe(name), 1)
    assert torch.equal(augment(images[:5], recipe(name), 1), changed[:5])
    assert torch.equal(augment(images, recipe(name), 1), changed)
    assert not torch.equal(augment(images, recipe(name), 2), changed)


def laid_out(images: Tensor) -> list[Tensor]:
    """The same pictures in other layouts: channels last, columns first, every second, one for all.

    Only the last holds other pictures: the first of them, once in memory, many times in the batch.
    """
    return [
        images.contiguous(memory_format=torch.channels_last),
        images.transpose(2, 3).contiguous().transpose(2, 3),
        images.repeat_interleave(2, 0)[::2],
        images[:1].expand_as(images),
    ]


@given(
    st.lists(st.sampled_from(NAMES), unique=True),
    st.integers(1, 5),
    st.integers(1, 12),
    st.integers(1, 12),
    st.integers(0, 2**63 - 1),
)
def test_bytes_do_not_depend_on_the_layout_in_memory(
    names: list[experiment.Augmentation], count: int, height: int, width: int, seed: int
) -> None:
    for images in laid_out(pictures(count, height, width)):
        plain = images.clone(memory_format=torch.contiguous_format)
        changed = augment(images, recipe(*names), seed)
        assert torch.equal(changed, augment(plain, recipe(*names), seed))
        assert torch.equal(images, plain)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("random_crop", "726c71aa870280dd"),
        ("horizontal_flip", "e307d99f2905f5b1"),
        ("random_resized_crop", "d31dbc012726afcc"),
        ("cutout", "78f1742e3cfe6171"),
    ],
)
def test_what_a_change_makes_of_a_picture_never_changes(
    name: experiment.Augmentation, known: str
) -> None:
    # Whoever changes these digests changes the outcome of every run that augments.
    images = (torch.arange(16 * 3 * 9 * 14) * 37 % 251).to(torch.uint8).view(16, 3, 9, 14)
    changed = augment(images, recipe(name), 1).contiguous()
    assert hashlib.sha256(changed.numpy().data).hexdigest()[:16] == known


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 2**63 - 1))
@example(0, 255, 0)
def test_stretching_makes_nothing_brighter_or_darker_than_there_was(
    one: int, other: int, seed: int
) -> None:
    low, high = sorted((one, other))
    images = (pictures(8).int() % (high - low + 1) + low).to(torch.uint8)
    changed = augment(images, recipe("random_resized_crop"), seed)
    assert low <= int(changed.min())
    assert int(changed.max()) <= high


@pytest.mark.parametrize("name", NAMES)
def test_no_change_reads_or_moves_torchs_generator(name: experiment.Augmentation) -> None:
    before = torch.random.get_rng_state()
    augment(pictures(), recipe(name), 1)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_changes_are_made_in_the_order_given() -> None:
    images = pictures()
    flipped_first = augment(images, recipe("horizontal_flip", "cutout"), 5)
    by_hand = augment(augment(images, recipe("horizontal_flip"), 5), recipe("cutout"), 5)
    assert torch.equal(flipped_first, by_hand)
    assert not torch.equal(flipped_first, augment(images, recipe("cutout", "horizontal_flip"), 5))
    assert torch.equal(augment(images, recipe(), 5), images)


def test_leaving_a_change_out_does_not_alter_what_others_draw() -> None:
    same = pictures(1).expand(16, -1, -1, -1).flip(3)
    same = torch.minimum(same, same.flip(3))  # symmetric: flipping shows nothing
    assert torch.equal(
        augment(same, recipe("horizontal_flip", "cutout"), 5), augment(same, recipe("cutout"), 5)
    )


def test_one_change_tells_nothing_about_another() -> None:
    down = torch.arange(12, dtype=torch.uint8).view(12, 1).expand(4000, 3, 12, 12)
    lower = augment(down, recipe("random_crop", padding=1), 5)[:, 0, 6, 6] > 6
    across = down.transpose(2, 3)
    mirrored = augment(across, recipe("horizontal_flip"), 5)[:, 0, 0, 0] == 11
    assert lower[mirrored].float().mean() == pytest.approx(1 / 3, abs=0.06)
    assert lower[~mirrored].float().mean() == pytest.approx(1 / 3, abs=0.06)


@pytest.mark.parametrize("padding", [0, 1, 3, 8, 30])
def test_a_crop_is_a_window_of_the_reflected_picture(padding: int) -> None:
    images = pictures(40)
    changed = augment(images, recipe("random_crop", padding=padding), 1).numpy()
    pad = ((0, 0), (padding, padding), (padding, padding))
    found = set()
    for before, after in zip(images.numpy(), changed, strict=True):
        windows = np.lib.stride_tricks.sliding_window_view(
            np.pad(before, pad, "reflect"), after.shape
        )[0]
        places = np.argwhere((windows == after).all((2, 3, 4)))
        assert len(places)
        found |= {tuple(place) for place in places.tolist()}
    if padding == 1:
        assert found == {(down, across) for down in range(3) for across in range(3)}


def test_crops_reach_every_offset_evenly() -> None:
    ramp = torch.arange(8, dtype=torch.uint8).expand(4000, 3, 8, 8) + 100
    corner = augment(ramp, recipe("random_crop", padding=2), 3)[:, 0, 0, 2]
    counts = torch.bincount(corner.long() - 100)
    assert counts.tolist() == pytest.approx([800] * 5, abs=5 * 800**0.5)


def test_half_of_the_pictures_are_mirrored() -> None:
    images = pictures(2000, 2, 5)
    changed = augment(images, recipe("horizontal_flip"), 1)
    same = (changed == images).flatten(1).all(1)
    mirrored = (changed == images.flip(3)).flatten(1).all(1)
    assert (same | mirrored).all()
    assert int(mirrored.sum()) == pytest.approx(1000, abs=5 * 500**0.5)


@pytest.mark.parametrize(("size", "expected"), [(1, 1), (4, 16), (5, 25), (40, 126)])
def test_cutout_paints_one_square_with_the_fill(size: int, expected: int) -> None:
    images = torch.full((300, 3, 9, 14), 200, dtype=torch.uint8)
    changed = augment(images, recipe("cutout", cutout=size), 1)
    painted = (changed != images).any(1)
    fill = torch.tensor([10, 20, 30], dtype=torch.uint8)
    assert (changed.permute(0, 2, 3, 1)[painted] == fill).all()
    assert int(painted.flatten(1).sum(1).max()) == expected
    for mask in painted:  # a filled rectangle: rows times columns
        area = mask.any(1).sum() * mask.any(0).sum()
        assert int(area) == int(mask.sum()) > 0
    if size == 1:
        assert set(painted.any(2).float().argmax(1).tolist()) == set(range(9))


def test_a_cut_out_square_lies_around_any_pixel_alike() -> None:
    images = torch.full((9000, 3, 9, 14), 200, dtype=torch.uint8)
    painted = (augment(images, recipe("cutout", cutout=5), 1) != images).any(1)
    by_row = painted.any(2).float().mean(0) * 9  # how many of nine centres reach this row
    assert by_row.tolist() == pytest.approx([3, 4, 5, 5, 5, 5, 5, 4, 3], abs=0.25)


def test_cutout_paints_with_the_mean_so_that_it_vanishes_when_normalised() -> None:
    data = experiment.Shapes(
        name="shapes",
        train_size=1,
        val_size=1,
        data_seed=0,
        augment=("cutout",),
        crop_padding=2,
        cutout_size=6,
    )
    mean = (0.2, 0.4, 0.6)
    made = Recipe.of(data, mean)
    assert made == Recipe(("cutout",), 2, 6, (51, 102, 153))
    painted = torch.tensor(made.fill, dtype=torch.uint8).view(1, 3, 1, 1)
    assert normalise(painted, mean, (0.2, 0.2, 0.2)).abs().max() < 1e-6


def bilinear(image: Tensor, top: float, left: float, height: float, width: float) -> Tensor:
    """A box stretched over the picture, one pixel after the other, in float64."""
    _, rows, columns = image.shape
    result = torch.empty(image.shape, dtype=torch.float64)
    for r in range(rows):
        y = min(max((r + 0.5) * height / rows - 0.5, 0), height - 1) + top
        for c in range(columns):
            x = min(max((c + 0.5) * width / columns - 0.5, 0), width - 1) + left
            y0, x0 = int(y), int(x)
            y1, x1 = min(y0 + 1, rows - 1), min(x0 + 1, columns - 1)
            near = image[:, y0, x0] * (1 - (x - x0)) + image[:, y0, x1] * (x - x0)
            far = image[:, y1, x0] * (1 - (x - x0)) + image[:, y1, x1] * (x - x0)
            result[:, r, c] = near * (1 - (y - y0)) + far * (y - y0)
    return result


def test_a_resized_crop_is_a_box_stretched_bilinearly(monkeypatch: pytest.MonkeyPatch) -> None:
    boxes: list[tuple[Tensor, Tensor]] = []
    stretched = module._stretched

    def watched(images: Tensor, dim: int, start: Tensor, length: Tensor) -> Tensor:
        boxes.append((start, length))
        return stretched(images, dim, start, length)

    monkeypatch.setattr(module, "_stretched", watched)
    images = pictures(30)
    changed = augment(images, recipe("random_resized_crop"), 1)
    (tops, heights), (lefts, widths) = boxes
    errors = []
    for k, image in enumerate(images):
        box = [float(numbers[k]) for numbers in (tops, lefts, heights, widths)]
        errors.append(changed[k] - bilinear(image.double(), *box))
    # Rounded after the rows and after the columns, with weights of whole 128ths.
    assert torch.stack(errors).abs().max() <= 3
    assert torch.stack(errors).mean() == pytest.approx(0, abs=0.15)  # cutting off: nearly -1


def test_boxes_lie_inside_and_have_the_published_areas_and_ratios(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    boxes: list[Tensor] = []

    def watched(images: Tensor, dim: int, start: Tensor, length: Tensor) -> Tensor:
        assert (start >= 0).all()
        assert (length >= 1).all()
        assert (start + length <= images.shape[dim]).all()
        boxes.append(length)
        return images

    monkeypatch.setattr(module, "_stretched", watched)
    augment(torch.zeros(5000, 3, 64, 64, dtype=torch.uint8), recipe("random_resized_crop"), 1)
    heights, widths = boxes
    share, ratio = heights * widths / 64**2, widths / heights
    assert share.min() == pytest.approx(0.08, abs=0.01)
    assert share.max() > 0.95
    assert share.mean() == pytest.approx(0.54, abs=0.02)
    assert ratio.min() == pytest.approx(3 / 4, abs=0.06)
    assert ratio.max() == pytest.approx(4 / 3, abs=0.1)
    assert ratio.log().mean() == pytest.approx(0, abs=0.02)


def test_stretching_the_whole_changes_nothing() -> None:
    images = pictures()
    whole = module._stretched(images, 2, torch.zeros(16), torch.full((16,), 9.0))
    assert torch.equal(whole, images)


@pytest.mark.parametrize("value", [0, 1, 127, 128, 255])
def test_stretching_one_colour_gives_that_colour(value: int) -> None:
    images = torch.full((50, 3, 8, 8), value, dtype=torch.uint8)
    assert torch.equal(augment(images, recipe("random_resized_crop"), 1), images)


def test_stretching_black_beside_white_stays_between_them() -> None:
    stripes = torch.tensor([0, 255], dtype=torch.uint8).repeat(4).expand(50, 3, 8, 8)
    changed = augment(stripes, recipe("random_resized_crop"), 1)
    assert (changed == changed[:, :, :1]).all()  # rows stay alike
    assert 100 < changed.float().mean() < 155  # overflows would wrap around


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_normalising_is_as_defined(dtype: torch.dtype, layout: torch.memory_format) -> None:
    images = pictures()
    mean, std = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
    done = normalise(images, mean, std, dtype=dtype, memory_format=layout)
    assert done.dtype == dtype
    assert done.is_contiguous(memory_format=layout)
    wanted = images.double() / 255 - torch.tensor(mean).double().view(1, 3, 1, 1)
    wanted /= torch.tensor(std).double().view(1, 3, 1, 1)
    tolerance = 1e-6 if dtype == torch.float32 else 1e-2
    assert (done.double() - wanted).abs().max() < tolerance
    assert torch.equal(done, normalise(images, mean, std).to(dtype))


def test_every_name_of_the_table_is_tested_here() -> None:
    assert set(NAMES) == AUGMENTATIONS.keys()


def test_denormalised_are_the_bytes_that_were_normalised() -> None:
    levels = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).expand(2, 3, 16, 16)
    for mean, std in (((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)), ((0, 1, 0.5), (1, 1e-3, 1))):
        given = normalise(levels, mean, std, memory_format=torch.channels_last)
        assert torch.equal(denormalise(given, mean, std), levels)
    beyond = torch.tensor([-9.0, 9.0]).view(2, 1, 1, 1).expand(2, 3, 4, 4)
    assert denormalise(beyond, (0.5,) * 3, (0.2,) * 3).flatten(1).tolist() == [[0] * 48, [255] * 48]
