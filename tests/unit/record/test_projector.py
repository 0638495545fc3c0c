"""The files of the Projector page are what TensorBoard's plugin looks for."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch
from google.protobuf import text_format
from PIL import Image
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

from tracker.record.projector import COMPONENTS, SIDE, components, files


def chance(*size: int) -> torch.Tensor:
    return torch.randn(*size, generator=torch.Generator().manual_seed(0))


def test_the_files_and_the_one_that_leads_to_them() -> None:
    images = torch.zeros(5, 3, 8, 8, dtype=torch.uint8)
    images[4] = 200
    rows = [("a cat", "dog\t"), ("", "é"), ("c", "d"), ("e", "f"), ("g", "h")]
    made = files(chance(5, 3), images, ("true", "other"), rows)
    assert list(made)[-1] == "projector_config.pbtxt"
    config = text_format.Parse(made["projector_config.pbtxt"].decode(), ProjectorConfig())
    [embedding] = config.embeddings
    assert list(embedding.tensor_shape) == [5, 3]
    table = made[embedding.metadata_path].decode().splitlines()
    assert table[:3] == ["true\tother", "a cat\tdog", "–\té"]
    assert len(table) == 6
    points = np.loadtxt(io.BytesIO(made[embedding.tensor_path]), delimiter="\t")
    assert points.shape == (5, 3)
    sprite = Image.open(io.BytesIO(made[embedding.sprite.image_path]))
    assert list(embedding.sprite.single_image_dim) == [SIDE, SIDE]
    assert sprite.size == (3 * SIDE, 3 * SIDE)
    assert sprite.getpixel((SIDE + 1, SIDE + 1)) == (200, 200, 200)
    assert all(Path(name).name == name for name in made), "beside the events"


def test_few_features_are_moved_and_not_turned() -> None:
    features = chance(10, 4) + 3
    assert torch.allclose(components(features), features - features.mean(0), atol=1e-6)


def test_of_many_features_the_components_keep_distances() -> None:
    features = chance(40, 200)  # 40 points span 39 dimensions, which all are kept
    kept = components(features)
    assert kept.shape == (40, 40)
    ours, theirs = (torch.cdist(one.double(), one.double()) for one in (kept, features))
    assert torch.allclose(ours, theirs, atol=1e-4)
    assert components(chance(100, 200)).shape == (100, COMPONENTS)
    assert (kept.std(0).diff() <= 1e-6).all(), "the strongest first"


def test_components_are_those_of_a_singular_value_decomposition() -> None:
    for features in (chance(300, 70), chance(30, 200), chance(3, 65), torch.ones(4, 80)):
        centred = (features - features.mean(0)).double()
        points, strengths, _ = torch.linalg.svd(centred, full_matrices=False)
        plain = (points * strengths)[:, :COMPONENTS]
        kept = components(features).double()
        assert kept.shape == plain.shape
        assert torch.allclose(kept.abs(), plain.abs(), atol=1e-5)


def test_the_signs_of_components_are_no_chance() -> None:
    features = chance(20, 100)
    assert torch.allclose(
        components(features), components(features[:, range(99, -1, -1)]), atol=1e-4
    )
