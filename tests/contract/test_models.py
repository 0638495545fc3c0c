"""The table of backbones, the schema's words and the catalog's numbers say the same."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import pytest
import torch

from tracker.models.build import MODELS
from tracker.models.cost import smallest_image
from tracker.models.measure import CATALOG, measured
from tracker.spec.experiment import Model

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
        for name in backbone["enum"] if "enum" in backbone else [backbone["const"]]:
            assert name not in named, f"{name} is in two families"
            named[name] = properties
    return named


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


def test_the_smallest_picture_a_folder_may_ask_for_is_taken_by_every_backbone() -> None:
    # or the member of a matrix that is too small would be refused only once its turn comes
    smallest = max(entry["smallest_image"] for entry in ENTRIES)
    assert smallest <= SCHEMA["$defs"]["image_folder"]["properties"]["image_size"]["minimum"]


@pytest.mark.parametrize(
    "backbone", [name for name, properties in families().items() if "stem" in properties]
)
def test_no_stem_wants_larger_pictures_than_the_catalog_says(backbone: str) -> None:
    [entry] = [entry for entry in ENTRIES if entry["backbone"] == backbone]
    for stem in families()[backbone]["stem"]["enum"]:
        with torch.device("meta"):
            net = MODELS[backbone](Model(backbone=backbone, stem=stem, width=None), 10)
        assert smallest_image(net) == entry["smallest_image"]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["backbone"])
def test_the_catalogs_numbers_are_what_is_measured(entry: dict[str, Any]) -> None:
    assert measured(entry) == entry, "run: python -m tracker.models.measure"
