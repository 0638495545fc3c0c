"""What can be told of weights and pictures before anything is built."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from tracker.errors import Damaged, UsageError
from tracker.models.expected import Expected, check, fitting, published
from tracker.spec.experiment import Experiment, ImageFolder
from tracker.spec.load import from_document

HALF = (0.5, 0.5, 0.5)


def asked(data: dict[str, Any] | None = None, **model: Any) -> Experiment:
    return from_document({"name": "e", "data": data or {"name": "shapes"}, "model": model})


FOLDER = {"name": "image_folder"}


def sides(data: dict[str, Any], **model: Any) -> tuple[int | None, int | None]:
    experiment = asked(data, **model)
    settled = fitting(experiment.data, published(experiment.model))
    assert isinstance(settled, ImageFolder)
    return settled.image_size, settled.resize


def test_pictures_are_cut_as_the_weights_have_it_unless_the_spec_says() -> None:
    weights = {"backbone": "resnet50", "weights": "DEFAULT"}
    assert sides(FOLDER, **weights) == (224, 232)
    assert sides(FOLDER, backbone="efficientnet_b0", weights="IMAGENET1K_V1") == (224, 256)
    assert sides(FOLDER) == (32, 32)
    assert sides({**FOLDER, "image_size": 64}, **weights) == (64, None)
    assert sides({**FOLDER, "image_size": 64, "resize": 72}, **weights) == (64, 72)


def test_pictures_are_scaled_as_the_weights_have_it_unless_the_spec_says() -> None:
    swin = {"backbone": "swin_t", "weights": "DEFAULT"}
    for data in (FOLDER, {"name": "shapes", "image_size": 224}):
        for said, way in ((None, "bicubic"), ("bilinear", "bilinear")):
            experiment = asked({**data, "interpolation": said}, **swin)
            settled = fitting(experiment.data, published(experiment.model))
            assert (settled.image_size, settled.interpolation) == (224, way)
    plain = asked({"name": "shapes"}).data
    assert fitting(plain, None) == plain


def test_they_are_normalised_as_the_weights_have_it() -> None:
    found = published(asked(backbone="resnet18", weights="DEFAULT").model)
    assert found is not None
    assert found.mean == (0.485, 0.456, 0.406)
    # torchvision would turn ImageNet's mean and deviation into these inside the network
    inception = published(asked(backbone="googlenet", weights="DEFAULT").model)
    assert inception is not None
    assert (inception.mean, inception.std) == (HALF, HALF)
    assert published(asked(backbone="resnet18").model) is None
    assert published(asked(backbone="resnet18", weights={"file": "a"}).model) is None


@pytest.mark.parametrize(
    ("data", "model", "words"),
    [
        (None, {"backbone": "alexnet"}, "alexnet takes pictures of 63×63 and up, .* 32×32"),
        (
            {**FOLDER, "image_size": 40},
            {"backbone": "vit_b_16"},
            "multiple of 16 pixels, and is 40",
        ),
        ({**FOLDER, "image_size": 298}, {"backbone": "inception_v3"}, "299×299 and up"),
        (FOLDER, {"backbone": "alexnet"}, "63×63 and up"),
        (None, {"weights": "DEFAULT"}, "nobody publishes weights of cifar_resnet20"),
        (
            None,
            {"backbone": "resnet50", "weights": "IMAGENET1K_V3"},
            "no weights called IMAGENET1K_V3; did you mean IMAGENET1K_V[12]",
        ),
    ],
)
def test_what_cannot_be_is_refused(
    data: dict[str, Any] | None, model: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        check(asked(data, **model))


@pytest.mark.parametrize(
    ("data", "model"),
    [
        (None, {"backbone": "vgg11"}),
        (FOLDER, {"backbone": "alexnet", "weights": "DEFAULT"}),
        (FOLDER, {"backbone": "alexnet", "weights": {"run": "some"}}),  # nobody knows here
        (None, {"backbone": "timm:whatever", "weights": "DEFAULT"}),
    ],
)
def test_what_can_be_is_not(data: dict[str, Any] | None, model: dict[str, Any]) -> None:
    check(asked(data, **model))


def test_it_is_written_down_and_read_back() -> None:
    known = Expected(image_size=224, resize=256, mean=(0.1, 0.2, 0.3), std=HALF)
    assert Expected.of_document(known.to_document(), "here") == known
    other = replace(known, interpolation="bicubic", scaled_from=32)
    assert Expected.of_document(other.to_document(), "here") == other


def test_records_of_before_pictures_were_scaled_are_understood() -> None:
    old = {"image_size": 32, "resize": 32, "mean": [0.1, 0.2, 0.3], "std": list(HALF)}
    found = Expected.of_document(old, "here")
    assert (found.interpolation, found.scaled_from) == ("bilinear", None)


@pytest.mark.parametrize(
    "change",
    [
        *({"mean": [1, 2]}, {"std": [1, 1, 0]}, {"std": [1]}, {"image_size": "1"}, {"resize": 0}),
        *({"interpolation": "cubic"}, {"interpolation": None}, {"interpolation": []}),
        *({"scaled_from": 0}, {"scaled_from": "32"}),
        *({"image_size": 10**9}, {"resize": 4097}, {"scaled_from": 10**9}),
    ],
)
def test_what_is_no_such_record_is_damaged(change: dict[str, Any]) -> None:
    known = Expected(image_size=224, resize=256, mean=HALF, std=HALF).to_document()
    with pytest.raises(Damaged, match="here: "):
        Expected.of_document({**known, **change}, "here")


def test_it_needs_no_torch() -> None:
    code = "import sys; import tracker.models.expected; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
