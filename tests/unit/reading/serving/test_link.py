import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tracker.reading.serving.link import BY_VARIANT, deep_link, question
from tracker.store.index import list_runs
from tracker.store.run import Run


def pins(link: str) -> list[tuple[str, str, str]]:
    [text] = parse_qs(urlsplit(link).query, strict_parsing=True)["pinnedCards"]
    return [(pin["plugin"], pin["tag"], pin.get("runId", "")) for pin in json.loads(text)]


def test_the_address_says_all_it_should() -> None:
    link = deep_link("http://127.0.0.1:6006/", ["accuracy/val", "loss/val"], ["a,lr=0.1/s0", "b"])
    parts = urlsplit(link)
    query = parse_qs(parts.query, strict_parsing=True)
    assert (parts.netloc, parts.path, parts.fragment) == ("127.0.0.1:6006", "/", "timeseries")
    assert (query["smoothing"], query["runColorGroup"]) == (["0"], [f"regex:{BY_VARIANT}"])
    assert pins(link) == [
        ("scalars", "accuracy/val", ""),
        ("scalars", "loss/val", ""),
        ("images", "pictures/predictions", "defaultExperimentId/a,lr=0.1/s0"),
        ("images", "pictures/predictions", "defaultExperimentId/b"),
        ("images", "pictures/confusion", "defaultExperimentId/a,lr=0.1/s0"),
        ("images", "pictures/confusion", "defaultExperimentId/b"),
    ]
    assert link.isascii()
    assert not set(link) & set(' "<>()[]{}')  # what ends a link in a terminal or a chat


@pytest.mark.parametrize("metrics", [1, 2, 3, 12])
def test_there_are_never_more_pins_than_tensorboard_takes(metrics: int) -> None:
    found = pins(
        deep_link("http://x/", [f"m/{i}" for i in range(metrics)], [f"r{i}/s0" for i in range(9)])
    )
    assert len(found) in (9, 10)
    pictured = [run for kind, _, run in found if kind == "images"]
    assert all(pictured.count(run) == 2 for run in pictured)  # both pictures of a run, or none


def test_the_question_is_that_of_the_experiment_that_ran_last(
    tmp_path: Path, make_run: Callable[..., Run]
) -> None:
    make_run(tmp_path, "resnet50", 0, name="second")
    make_run(tmp_path, "resnet50", 2)
    make_run(tmp_path, "resnet50", 10)
    make_run(tmp_path, "se_resnet50", 1)
    last = make_run(tmp_path, "se_resnet50", 0)
    document = json.loads(last.experiment_file.read_text())
    document["compare"]["metric"] = "loss/val"
    last.experiment_file.write_text(json.dumps(document))
    assert question(list_runs(tmp_path)) == (
        ["loss/val", "accuracy/val"],
        ["first/resnet50/s2", "first/se_resnet50/s0"],
    )


def test_without_runs_the_curves_are_pinned_for_those_to_come(tmp_path: Path) -> None:
    assert question(list_runs(tmp_path)) == (["accuracy/val", "loss/val"], [])


@pytest.mark.parametrize(
    ("run", "group"),
    [
        ("first/resnet50/s0", "first/resnet50"),
        ("first/resnet50/s10.2", "first/resnet50"),
        ("se_resnet50/s1", "se_resnet50"),
        ("compare/first/resnet50 mean", "first/resnet50"),
        ("compare/first/summary", None),
    ],
)
def test_runs_and_the_mean_of_their_group_are_one_colour(run: str, group: str | None) -> None:
    match = re.search(BY_VARIANT, run)
    assert (match and match[1]) == group
