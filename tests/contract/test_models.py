"""The table of backbones, the schema's words and the catalog's numbers say the same."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from torchvision.models import get_model_weights, list_models

from tracker.errors import UsageError
from tracker.models.auxiliary import answers
from tracker.models.build import MODELS, construct
from tracker.models.cost import cost, smallest_image
from tracker.models.ghost import Weightless
from tracker.models.head import heads
from tracker.models.measure import CATALOG, measured
from tracker.spec.experiment import Model

ROOT = Path(__file__).parents[2]
# Parameters of the heads that torchvision leaves out when it counts GoogLeNet, at 1000 classes.
AUXILIARY = {"googlenet": 6_379_984}
SCHEMA: dict[str, Any] = json.loads(
    resources.files("tracker.spec").joinpath("schema.json").read_text(encoding="utf-8")
)
ENTRIES: list[dict[str, Any]] = json.loads(CATALOG.read_text(encoding="utf-8"))


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """`schema`, or what its $ref names."""
    if "$ref" not in schema:
        return schema
    found: Any = SCHEMA
    for key in schema["$ref"].removeprefix("#/").split("/"):
        found = found[key]
    return resolved(found)


def families() -> dict[str, dict[str, dict[str, Any]]]:
    """Backbone → the properties its family of models has in the schema."""
    named = {}
    for family in resolved(SCHEMA["properties"]["model"])["oneOf"]:
        properties = {key: resolved(p) for key, p in resolved(family)["properties"].items()}
        backbone = properties["backbone"]
        for name in backbone.get("enum", []):  # timm's are too many to list
            assert name not in named, f"{name} is in two families"
            named[name] = properties
    return named


def spec_of(entry: dict[str, Any]) -> Model:
    """The model block of `entry`, its options at their defaults."""
    return Model(backbone=entry["backbone"], stem=entry["stem"], width=entry["width"])


def test_the_schema_names_exactly_the_backbones_that_can_be_built() -> None:
    assert families().keys() == MODELS.keys()


def test_the_catalog_lists_exactly_the_backbones_that_can_be_built() -> None:
    assert [entry["backbone"] for entry in ENTRIES] == list(MODELS)


def test_the_catalog_has_the_schemas_defaults() -> None:
    for entry in ENTRIES:
        properties = families()[entry["backbone"]]
        for option in ("stem", "width"):
            default = properties[option]["default"] if option in properties else None
            assert entry[option] == default, entry["backbone"]


def test_the_schema_names_torchvisions_classifiers() -> None:
    theirs = set(list_models(module=torchvision.models))
    assert theirs <= families().keys()
    others = SCHEMA["$defs"]["torchvision"]["properties"]["backbone"]["enum"]
    assert set(others) == theirs - set(SCHEMA["$defs"]["resnet"]["properties"]["backbone"]["enum"])


def test_docs_tell_of_every_backbone() -> None:
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    table = page.partition("\n\nThat is every")[0].replace("{0…7}", "{0,1,2,3,4,5,6,7}")
    told = {name for form in re.findall("`([^`]+)`", table) for name in spelt_out(form)}
    assert {entry["backbone"] for entry in ENTRIES} <= told


def spelt_out(form: str) -> list[str]:
    """`a{b,c}d` as ab d and acd: what a shell would make of it."""
    before, brace, rest = form.partition("{")
    if not brace:
        return [form]
    choices, _, after = rest.partition("}")
    return [before + one + end for one in choices.split(",") for end in spelt_out(after)]


@pytest.mark.parametrize(
    "backbone", [name for name, properties in families().items() if "stem" in properties]
)
def test_no_stem_wants_larger_pictures_than_the_catalog_says(backbone: str) -> None:
    [entry] = [entry for entry in ENTRIES if entry["backbone"] == backbone]
    for stem in families()[backbone]["stem"]["enum"]:
        with Weightless():
            net = MODELS[backbone](Model(backbone=backbone, stem=stem, width=None), 10)
        assert smallest_image(net) == entry["smallest_image"]


@pytest.mark.slow
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["backbone"])
def test_the_catalogs_numbers_are_what_is_measured(entry: dict[str, Any]) -> None:
    assert measured(entry) == entry, "run: python -m tracker.models.measure"


@pytest.mark.slow
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["backbone"])
def test_every_backbone_goes_forward_and_backward_at_its_smallest(entry: dict[str, Any]) -> None:
    size = entry["smallest_image"]
    with Weightless():
        net = construct(spec_of(entry), 7, size).to("meta")  # with its buffers
    logits, auxiliary = answers(net(torch.empty(2, 3, size, size, device="meta")))
    assert logits.shape == (2, 7)
    sum((other.sum() for _, other in auxiliary), logits.sum()).backward()
    assert [name for name, one in net.named_parameters() if one.grad is None] == []
    paths = heads(net)
    assert len(paths) == 1 + len(auxiliary)
    for path in paths:
        assert {one.shape[0] for one in net.get_submodule(path).parameters()} == {7}
    assert cost(net, size).flops > 0
    if size > entry["multiple_of"]:
        with pytest.raises(UsageError, match=f"takes {size}×{size} and up"):
            cost(net, size - 1)


@pytest.mark.parametrize(
    "entry", [one for one in ENTRIES if one["weights"]], ids=lambda e: e["backbone"]
)
def test_the_catalog_says_what_torchvision_says_of_its_weights(entry: dict[str, Any]) -> None:
    known = get_model_weights(entry["backbone"])
    assert {one["name"] for one in entry["weights"]} == {one.name for one in known}
    [default] = [one for one in entry["weights"] if one["default"]]
    assert default["name"] == known["DEFAULT"].name
    assert (
        entry["parameters_imagenet"] - AUXILIARY.get(entry["backbone"], 0)
        == (known["DEFAULT"].meta["num_params"])
    )
    # theirs counts other operations too where there are many (gates, 1×1 pictures)
    theirs = known["DEFAULT"].meta["_ops"] * 2e9
    assert entry["flops_imagenet"] == pytest.approx(theirs, rel=0.015)
