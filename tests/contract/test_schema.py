"""schema.json is the one contract: what reads it, and what must agree with it, does."""

import dataclasses
import json
import math
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry

from tracker import tags
from tracker.errors import Problem
from tracker.spec import experiment, layers, matrix
from tracker.spec.check import check
from tracker.spec.node import Text, place
from tracker.spec.schema import Schema, document, fields, resolved, run, variants

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "tests" / "examples"
VALIDATOR = Draft202012Validator(document(), registry=Registry())
# What `spec.explain` has words for, and what only says something to readers.
CHECKED = {
    "type", "const", "enum", "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum",
    "minLength", "maxLength", "pattern", "items", "minItems", "maxItems", "uniqueItems",
    "properties", "required", "additionalProperties", "oneOf",
}  # fmt: skip
SAID = {"title", "description", "default", "examples", "patternErrorMessage"}


def parts(part: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Every subschema of the resolved schema, the matrix's aside, with its path."""
    yield path, part
    for key, item in part.get("properties", {}).items():
        if (path, key) != ("", "matrix"):
            yield from parts(item, f"{path}.{key}".lstrip("."))
    for branch in part.get("oneOf", ()):
        yield from parts(branch, path)
    if "items" in part:
        yield from parts(part["items"], f"{path}[]")


PARTS = list(parts({k: v for k, v in resolved().items() if k not in ("$schema", "$id")}))
FIELDS = [(path, part) for path, part in PARTS if "properties" not in part and "oneOf" not in part]


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(document())
    assert document()["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    version = document()["properties"]["version"]["const"]
    assert document()["$id"] == f"urn:tracker:experiment:{version}"


@pytest.mark.parametrize(("path", "part"), PARTS, ids=[path for path, _ in PARTS])
def test_every_part_is_closed_bounded_and_explained(path: str, part: Schema) -> None:
    assert part.keys() <= CHECKED | SAID
    assert part["title"]
    assert part["description"].endswith(".")
    types = [part["type"]] if isinstance(part.get("type"), str) else part.get("type", ())
    if "object" in types:
        assert "oneOf" in part or part["additionalProperties"] is False
    if "string" in types:
        assert "maxLength" in part
    if "array" in types:
        assert "maxItems" in part
    if "integer" in types or "number" in types:
        assert "const" in part or part.keys() & {"minimum", "exclusiveMinimum"}
        assert "const" in part or part.keys() & {"maximum", "exclusiveMaximum"}
    if "pattern" in part:
        assert part["patternErrorMessage"]


@pytest.mark.parametrize(("path", "part"), FIELDS, ids=[path for path, _ in FIELDS])
def test_every_field_has_a_default_and_examples_that_hold(path: str, part: Schema) -> None:
    if path.endswith("[]"):
        return
    chooses = path.rpartition(".")[2] in ("name", "backbone")
    assert "default" in part or chooses or path in ("name", "$schema")
    assert "const" in part or "enum" in part or part["examples"]
    defaults = [part["default"]] if "default" in part else []
    for value in defaults + part.get("examples", []):
        problems: list[Problem] = []
        check(place(value, Text("x")), part, (path,), problems)
        assert problems == []


def test_references_stay_inside_and_are_all_used() -> None:
    text = json.dumps(document())
    used = {word.split('"')[0] for word in text.split('"$ref": "#/$defs/')[1:]}
    assert text.count('"$ref"') == text.count('"$ref": "#/$defs/')
    assert used == document()["$defs"].keys()


CLASSES: dict[str, Any] = {
    "": experiment.Experiment,
    "training": experiment.Training,
    "training.early_stopping": experiment.EarlyStopping,
    "logging": experiment.Logging,
    "checkpoint": experiment.Checkpoint,
    "compare": experiment.Compare,
}


@pytest.mark.parametrize("path", CLASSES)
def test_the_classes_have_the_schema_s_fields(path: str) -> None:
    part = run()
    for key in filter(None, path.split(".")):
        part = part["properties"][key]
    names = {field.name for field in dataclasses.fields(CLASSES[path])}
    assert names == part["properties"].keys() - {"$schema"}


def test_expectations_have_the_fields_of_their_class_and_tags_for_names() -> None:
    expect = run()["properties"]["expect"]["properties"]
    assert expect.keys() <= tags.MEANINGS.keys()
    names = {key for part in expect.values() for key in part["properties"]}
    assert {"tag", *names} == {field.name for field in dataclasses.fields(experiment.Expectation)}


@pytest.mark.parametrize(
    ("block", "union"),
    [
        ("data", experiment.Data),
        ("optimizer", experiment.Optimizer),
        ("schedule", experiment.Schedule),
    ],
)
def test_each_variant_is_a_class_with_its_fields(block: str, union: Any) -> None:
    members = variants()[block].members
    found = {}
    for kind in typing.get_args(union):
        names = {field.name for field in dataclasses.fields(kind)}
        hint = typing.get_type_hints(kind)["name"]
        found.update(dict.fromkeys(typing.get_args(hint), names))
    assert found == {name: set(branch["properties"]) for name, branch in members.items()}


def test_model_has_the_fields_of_every_family() -> None:
    names = {key for branch in variants()["model"].members.values() for key in branch["properties"]}
    assert names == {field.name for field in dataclasses.fields(experiment.Model)}


def test_choices_are_those_of_the_types() -> None:
    hints = typing.get_type_hints(experiment.Training)
    properties = resolved()["properties"]
    assert properties["training"]["properties"]["device"]["enum"] == list(
        typing.get_args(hints["device"])
    )
    assert properties["training"]["properties"]["precision"]["enum"] == list(
        typing.get_args(hints["precision"])
    )
    augment = document()["$defs"]["augment"]["items"]["enum"]
    assert augment == list(typing.get_args(experiment.Augmentation))


def test_metrics_are_tags() -> None:
    compare = set(resolved()["properties"]["compare"]["properties"]["metric"]["enum"])
    scalars = {tag for tag in tags.MEANINGS if not tag.startswith(("pictures/", "system/"))}
    assert compare == scalars
    evaluated = set(document()["$defs"]["evaluated_metric"]["enum"])
    assert evaluated == {tags.ACCURACY_VAL, tags.LOSS_VAL}
    assert evaluated <= tags.GOALS.keys(), "or nobody could say which value is the best"


def test_what_a_matrix_may_vary_is_listed_for_editors() -> None:
    assert document()["$defs"]["path"]["enum"] == list(fields())
    by = resolved()["properties"]["compare"]["properties"]["by"]["enum"]
    assert by == [None, *(path for path in fields() if path != "seed")]


def test_numbers_that_code_repeats() -> None:
    part = resolved()["properties"]["matrix"]
    assert part["maxProperties"] == matrix.MAX_AXES
    assert part["additionalProperties"]["maxItems"] == matrix.MAX_RUNS
    assert resolved()["properties"]["version"]["const"] == layers.VERSION
    assert resolved()["properties"]["variant"]["maxLength"] == matrix.MAX_NAME


def holds(value: Any) -> bool:
    """Whether `check` takes a document without matrix, rules between fields aside."""
    problems: list[Problem] = []
    check(place(value, Text("x")), run(), (), problems)
    return not problems


plain_values = (
    st.none()
    | st.booleans()
    | st.integers(-3, 400)
    | st.floats(-2, 400).filter(lambda number: not number.is_integer())  # see below
    | st.sampled_from(["", "a", "A", "adam", "resnet50", "one_cycle", "shapes", "auto", "x" * 70])
)
values = plain_values | st.lists(plain_values, max_size=3)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A name and a few fields: known and unknown ones, with fitting and unfitting values."""
    found: dict[str, Any] = {"name": draw(st.sampled_from(["a", "a", "a", "A", ""]))}
    for path in draw(
        st.lists(st.sampled_from([*fields(), "seed", "tags", "odd", "data.odd"]), max_size=6)
    ):
        *above, key = path.split(".")
        block = found
        for name in above:
            if not isinstance(block.get(name), dict):
                block[name] = {}
            block = block[name]
        known = [part for found_path, part in FIELDS if found_path == path]
        fitting = [v for part in known for v in part.get("enum", part.get("examples", [])) or []]
        fitting += [part["const"] for part in known if "const" in part]
        fits = bool(fitting) and draw(st.booleans())
        block[key] = draw(st.sampled_from(fitting)) if fits else draw(values)
    return found


@given(documents())
@settings(max_examples=400, deadline=None)
def test_one_variant_of_each_block_is_the_published_schema_s_one_of(value: dict[str, Any]) -> None:
    assert holds(value) == VALIDATOR.is_valid(value)


@pytest.mark.parametrize(
    "stricter",
    [{"seed": 1.0}, {"optimizer": {"lr": math.nan}}, {"name": "a\n"}, {"data": {"root": "a\n"}}],
)
def test_where_we_are_stricter_than_the_published_schema(stricter: dict[str, Any]) -> None:
    assert VALIDATOR.is_valid({"name": "a", **stricter})
    assert not holds({"name": "a", **stricter})


@pytest.mark.parametrize(
    "path",
    [*(ROOT / "experiments").rglob("*.json"), *(EXAMPLES / "valid").glob("*.json")],
    ids=lambda path: path.stem,
)
def test_editors_find_nothing_wrong_with_files_that_are_right(path: Path) -> None:
    VALIDATOR.validate(json.loads(path.read_text(encoding="utf-8")))
