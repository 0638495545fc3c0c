"""`tracker models`: a row for each network, and what is published of the one that is named."""

import json
from collections.abc import Callable
from typing import TypeAlias

Answer: TypeAlias = Callable[..., tuple[int, str, str]]


def test_a_model_named_in_full_has_its_weights_listed(answer: Answer) -> None:
    code, data, _ = answer("models", "resnet50")
    assert code == 0
    _, below = data.split("\n\n")
    titles, first, second = below.splitlines()
    assert titles.split()[:4] == ["weights", "right", "in", "5"]
    assert " ".join(first.split()) == (
        "IMAGENET1K_V1 76.1% 92.9% 224 256 0.485 0.456 0.406 0.229 0.224 0.225"
    )
    assert second.startswith("IMAGENET1K_V2 = DEFAULT")


def test_a_pattern_lists_no_weights(answer: Answer) -> None:
    _, data, _ = answer("models", "vgg*")
    assert "\n\n" not in data
    assert len(data.splitlines()) == 9


def test_json_has_what_is_published(answer: Answer) -> None:
    _, data, _ = answer("models", "alexnet", "--json")
    [model] = json.loads(data)["models"]
    assert (model["smallest_image"], model["image_size"]) == (63, 224)
    assert model["parameters"] == 57_044_810  # 10 classes
    [weights] = model["weights"]
    assert weights["url"] == "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth"
    assert (weights["accuracy"], weights["mean"]) == (0.56522, [0.485, 0.456, 0.406])


def test_weights_that_tell_no_classes_have_no_accuracy(answer: Answer) -> None:
    _, data, _ = answer("models", "vgg16")
    line = next(line for line in data.splitlines() if line.startswith("IMAGENET1K_FEATURES"))
    assert line.split()[1:3] == ["–", "–"]
