"""Whatever a file holds, `load` gives experiments or raises SpecError, and soon."""

import json
import math
import random
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracker.errors import SpecError
from tracker.spec.convert import to_document
from tracker.spec.load import load
from tracker.spec.schema import Schema, fields, resolved

EXPERIMENTS = Path(__file__).parents[3] / "experiments"
QUICK = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

junk = st.recursive(
    st.sampled_from(
        [
            None,
            True,
            0,
            1.0,
            -0.0,
            math.nan,
            -math.inf,
            2**70,
            10**400,
            "",
            "\x1b",
            "a" * 2000,
            "\ud800",
        ]
    )
    | st.integers()
    | st.floats()
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=5,
)


def valid(part: Schema) -> st.SearchStrategy[Any]:
    """Values that the schema allows, bounds and the odd variant field aside."""
    if "oneOf" in part:
        return st.one_of([valid(branch) for branch in part["oneOf"]])
    if "const" in part or "enum" in part:
        return st.sampled_from(part.get("enum") or [part["const"]])
    types = [part["type"]] if isinstance(part["type"], str) else part["type"]
    return st.one_of([of_type(name, part) for name in types])


def of_type(name: str, part: Schema) -> st.SearchStrategy[Any]:
    match name:
        case "null":
            return st.none()
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(part["minimum"], min(part["maximum"], 300))
        case "number":
            low = part.get("minimum", part.get("exclusiveMinimum"))
            high: float = part["maximum"] if "maximum" in part else part["exclusiveMaximum"]
            return st.floats(
                low, min(high, 30), exclude_min="minimum" not in part, exclude_max=high == 1
            )
        case "string":
            return st.sampled_from(part.get("examples", ["a"])) | st.text(
                "abc-._=1", min_size=1, max_size=9
            )
        case "array":
            least, most = part.get("minItems", 0), min(part["maxItems"], 3)
            return st.lists(valid(part["items"]), min_size=least, max_size=most)
        case _:
            return objects(part)


def objects(part: Schema) -> st.SearchStrategy[Any]:
    properties = {key: valid(item) for key, item in part.get("properties", {}).items()}
    required = {key: properties.pop(key) for key in part.get("required", ())}
    return st.fixed_dictionaries(required, optional=properties)


matrices = st.dictionaries(
    st.sampled_from(fields()),
    st.lists(junk | st.sampled_from([0, 0.5, "adam", "resnet9"]), max_size=3),
    max_size=3,
)
in_runs = {k: p for k, p in resolved()["properties"].items() if k not in ("matrix", "extends")}
documents = st.builds(
    lambda document, matrix: {**document, **matrix},
    objects({**resolved(), "properties": in_runs}),
    st.just({}) | st.builds(lambda matrix: {"matrix": matrix}, matrices),
)


def spoil(document: Any, chance: random.Random, other: Any) -> Any:
    """The document with one part deleted, renamed or replaced by `other`."""
    parent = document
    while True:
        keys = list(parent) if isinstance(parent, dict) else list(range(len(parent)))
        if not keys:
            return document
        key = chance.choice(keys)
        if not isinstance(parent[key], (dict, list)) or chance.random() < 0.3:
            break
        parent = parent[key]
    match chance.randrange(3):
        case 0:
            del parent[key]
        case 1:
            parent[key] = other
        case _ if isinstance(parent, dict):
            parent[f"{key}x"] = parent.pop(key)
        case _:
            parent.append(parent[key])
    return document


def outcome(path: Path, text: str | bytes, *overrides: str) -> bool:
    """Whether `load` takes the text; anything but a SpecError is an error of this test."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    started = time.process_time()
    experiments = []
    said = ""
    try:
        experiments = load(path, overrides=overrides)
    except SpecError as error:
        said = str(error)
    assert time.process_time() - started < 1
    assert bool(said) != bool(experiments)
    assert said.replace("\n", "").isprintable()
    assert len({(e.variant, e.seed) for e in experiments}) == len(experiments)
    again = path.with_name("experiment.json")
    for experiment in experiments:
        again.write_text(json.dumps(to_document(experiment), allow_nan=False))
        assert load(again) == [experiment]
    return bool(experiments)


@given(documents)
@QUICK
def test_what_the_schema_allows(tmp_path: Path, document: Any) -> None:
    outcome(tmp_path / "a.json", json.dumps(document))


@given(documents, st.randoms(use_true_random=False), junk)
@QUICK
def test_what_the_schema_allows_with_a_flaw(
    tmp_path: Path, document: Any, chance: random.Random, other: Any
) -> None:
    outcome(tmp_path / "a.json", json.dumps(spoil(document, chance, other)))


@given(st.sampled_from(fields()), junk | st.text(), st.text(max_size=10))
@QUICK
def test_any_override(tmp_path: Path, path: str, value: Any, text: str) -> None:
    argument = value if isinstance(value, str) else json.dumps(value)
    outcome(tmp_path / "a.json", '{"name": "a"}', f"{path}={argument}")
    outcome(tmp_path / "a.json", '{"name": "a"}', text)


@given(st.sampled_from(sorted(EXPERIMENTS.glob("*.json"))), st.data())
@QUICK
def test_files_with_bytes_changed(tmp_path: Path, path: Path, data: st.DataObject) -> None:
    text = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    outcome(tmp_path / "a.json", bytes(text))


@pytest.mark.parametrize("path", sorted(EXPERIMENTS.glob("*.json")), ids=lambda path: path.stem)
def test_our_own_experiments_are_taken(path: Path, tmp_path: Path) -> None:
    assert outcome(tmp_path / "a.json", path.read_text(encoding="utf-8"))
    assert all(experiment.description.endswith((".", "?")) for experiment in load(path))
