"""The same pictures side by side: what most runs said, and which groups saw them."""

import base64
from collections.abc import Callable

import numpy as np
import pytest

from tracker.reading.comparison.groups import Group, group
from tracker.reading.report.evaluated import Judged, Vote, ask, shown, stored
from tracker.record.tensorboard import RunWriter
from tracker.store.index import record
from tracker.store.run import Run


def asked(*of_groups: list[Run], until: int | None = None) -> list[Judged]:
    records = [record(run) for runs in of_groups for run in runs]
    groups: tuple[Group, ...] = group(records, ["model.backbone"], lambda _: None).groups
    return [ask(number, each, until) for number, each in enumerate(groups)]


def test_what_most_runs_of_a_group_said(evaluated: Callable[..., Run]) -> None:
    one = [evaluated("resnet50", seed, taken) for seed, taken in enumerate([[0, 1, 2], [0, 2, 1]])]
    one.append(evaluated("resnet50", 2, [0, 2, 0]))
    other = [evaluated("se_resnet50", 0, [1, 2, 2])]
    seeing, pictures = shown(asked(one, other))
    assert [each.name for each in seeing] == ["resnet50", "se_resnet50"]
    cat, dog, bird = pictures
    assert (cat.index, cat.label) == (5, "cat")
    assert cat.cells[0].votes == (Vote("cat", 3, 0.75),)
    assert (cat.cells[0].right, cat.cells[0].runs, cat.cells[0].is_right) == (3, 3, True)
    assert (cat.cells[1].right, cat.cells[1].is_right) == (0, False)
    assert cat.differs
    assert [vote.label for vote in dog.cells[0].votes] == ["<b>bird</b>", "dog"]
    assert (dog.cells[0].right, dog.cells[0].is_right, dog.differs) == (1, False, False)
    assert len(bird.cells[0].votes) == 3
    head, _, body = cat.picture.partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(body).startswith(b"\x89PNG")


def test_a_group_that_was_asked_about_other_pictures_stands_aside(
    evaluated: Callable[..., Run],
) -> None:
    first, other = (
        evaluated("resnet50", 0, [0, 1, 2]),
        evaluated("se_resnet50", 0, [0, 1, 2], indices=(1, 2, 3)),
    )
    seeing, pictures = shown(asked([first], [other]))
    assert [each.name for each in seeing] == ["resnet50"]
    assert [len(picture.cells) for picture in pictures] == [1, 1, 1]


def test_counts_are_summed_over_the_runs_of_a_group(evaluated: Callable[..., Run]) -> None:
    counts = [[3, 1, 0], [0, 4, 0], [1, 1, 2]]
    runs = [evaluated("resnet50", seed, [0, 1, 2], counts=counts) for seed in (0, 1)]
    [found] = asked(runs)
    assert found.confusion is not None
    assert np.array_equal(found.confusion, 2 * np.array(counts))


def test_nothing_after_the_step_that_was_asked_for(evaluated: Callable[..., Run]) -> None:
    [found] = asked([evaluated("resnet50", 0, [0, 1, 2])], until=29)
    assert (found.predictions, found.confusion) == ((), None)


def test_runs_without_records_show_nothing_or_the_pictures_they_drew(
    tmp_path_factory: pytest.TempPathFactory, make_run: Callable[..., Run]
) -> None:
    run = make_run(tmp_path_factory.mktemp("runs"))
    assert shown(asked([run])) == ([], [])
    [only] = group([record(run)], None, lambda _: None).groups
    assert stored(only) == []
    with RunWriter(run.path, warn=pytest.fail) as writer:
        for step, shade in ((10, 1), (20, 2)):
            writer.picture("pictures/predictions", step, np.full, (4, 4, 3), shade, np.uint8)
    [found] = stored(only)
    assert (found.run, found.step, found.title) == (run.id, 20, "predictions")
    assert found.picture.startswith("data:image/png;base64,")
