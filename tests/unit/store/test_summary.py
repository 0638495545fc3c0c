import contextlib
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import Damaged
from tracker.store.files import write_json
from tracker.store.summary import DataFacts, Improvement, Metric, Price, Summary, read_summary

METRIC = {"goal": "max", "last": 1.0, "last_step": 2, "best": None, "best_step": None}
FULL = Summary(
    metrics={"a/b": Metric("max", 0.5, 2, 0.75, 1, (Improvement(1, 2.5, 0.75),))},
    price=Price(parameters=1, flops=2, images_per_second=3.0, seconds=4.0, peak_memory_bytes=5),
    data=DataFacts(name="d", digest="e", train_size=1, val_size=2, classes=("x", "é")),
    machine={"device": "cpu", "threads": 2},
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "summary.json"


@pytest.mark.parametrize("summary", [Summary(), FULL])
def test_a_summary_comes_back_as_it_went(path: Path, summary: Summary) -> None:
    write_json(path, summary.to_document(7, 0.5))
    assert read_summary(path) == summary


def test_before_the_first_evaluation_it_is_empty(path: Path) -> None:
    assert read_summary(path) == Summary()


def test_a_summary_from_before_the_machine_was_kept_is_read(path: Path) -> None:
    document = FULL.to_document(7, 0.5)
    del document["machine"]
    write_json(path, document)
    assert read_summary(path).machine is None


def test_a_last_value_that_is_not_finite_is_read_back_as_none(path: Path) -> None:
    diverged = Summary(metrics={"loss/val": Metric("min", math.nan, 2, 0.5, 1)})
    write_json(path, diverged.to_document(2, 1.0))
    assert read_summary(path).metrics == {"loss/val": Metric("min", None, 2, 0.5, 1)}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"metrics": []}, "metrics cannot be a list"),
        ({"metrics": {"t\x1b": 1}}, r"metrics/t\x1b is no JSON object"),
        ({"metrics": {"t": {**METRIC, "goal": "up"}}}, "goal is neither max nor min"),
        ({"metrics": {"t": {**METRIC, "last_step": 1.5}}}, "last_step cannot be a float"),
        ({"metrics": {"t": {**METRIC, "improvements": 3}}}, "improvements are no list"),
        ({"metrics": {"t": {**METRIC, "improvements": [[1, 2]]}}}, "improvements are no list"),
        ({"metrics": {"t": {**METRIC, "improvements": [[1, 2, True]]}}}, "not of numbers"),
        ({"price": {}}, "price has no parameters"),
        ({"machine": 1}, "machine cannot be a int"),
        ({"data": {**vars(FULL.data or ()), "classes": [1]}}, "classes are not all strings"),
        ({"schema_version": 0}, "has no schema_version"),
        ({"schema_version": 9}, "newer tracker (schema 9)"),
    ],
)
def test_one_of_another_shape_is_damaged_and_says_how(
    path: Path, change: Callable[..., None], changed: dict[str, Any], words: str
) -> None:
    write_json(path, FULL.to_document(1, 1.0))
    change(path, **changed)
    with pytest.raises(Damaged, match=re.escape(words)):
        read_summary(path)


LEAF = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)


@given(
    st.fixed_dictionaries(
        {"schema_version": st.just(1)},
        optional={
            "metrics": LEAF | st.dictionaries(st.text(max_size=3), LEAF),
            "price": LEAF | st.dictionaries(st.sampled_from(["parameters", "flops"]), LEAF),
            "data": LEAF | st.dictionaries(st.sampled_from(["name", "classes"]), LEAF),
        },
    )
)
def test_any_json_is_a_summary_or_damaged(
    tmp_path_factory: pytest.TempPathFactory, document: dict[str, Any]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(document))
    with contextlib.suppress(Damaged):
        assert isinstance(read_summary(path), Summary)
