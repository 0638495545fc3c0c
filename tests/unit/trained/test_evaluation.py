"""Scores: the run's own to the bit, and what they say of classes that are few or in disorder."""

import shutil
from pathlib import Path

import pytest
import torch

from tests.trained import draw, tree
from tracker import tags
from tracker.errors import UsageError
from tracker.trained.evaluation import Scored, evaluate
from tracker.trained.given import given
from tracker.trained.network import Network


def score(network: Network, data: Path | str | None, size: int = 7) -> Scored:
    asked = None if data is None else str(data)
    return evaluate(network, given(network, asked, lambda _: None), batch_size=size)


def test_the_run_s_own_numbers_come_out_again_to_the_bit(network: Network) -> None:
    before = tree(network.run.path)
    scored = score(network, None)
    metrics = network.run.summary().metrics
    assert scored.loss == metrics[tags.LOSS_VAL].last
    assert scored.accuracy == metrics[tags.ACCURACY_VAL].last
    assert scored.same_data is True
    assert tree(network.run.path) == before, "the run is as it was"


def test_counts_agree_with_each_other(network: Network) -> None:
    scored = score(network, None)
    assert scored.count == 18
    assert scored.accuracy == scored.right / 18
    for at, name in enumerate(scored.classes):
        there, right = scored.of_class(at)
        assert there == 9
        assert scored.taken_for(at).get(name, 0) == right
        assert sum(scored.taken_for(at).values()) == 9
    assert scored.in_top is None, "of two classes the true one is among five"


def test_batches_make_no_difference_but_rounding(network: Network) -> None:
    one, other = score(network, None, 18), score(network, None, 4)
    assert torch.equal(one.confusion, other.confusion)
    assert one.loss == pytest.approx(other.loss, rel=1e-5)
    assert one.digest == other.digest


def test_it_tells_how_far_it_is(network: Network) -> None:
    done: list[int] = []
    evaluate(network, given(network, None, print), batch_size=7, advance=done.append)
    assert done == [7, 7, 4]


def test_some_classes_in_another_folder(network: Network, tmp_path: Path) -> None:
    whole, part = draw(tmp_path / "whole"), tmp_path / "part"
    shutil.copytree(whole / "discs", part / "discs")
    scored = score(network, part)
    assert (scored.of_class(0)[0], scored.of_class(1)[0]) == (0, 8)
    assert torch.equal(scored.confusion[1], score(network, whole).confusion[1])
    document = scored.to_document()
    assert [one["class"] for one in document["per_class"]] == ["discs"]
    assert list(document["confusion"]) == ["discs"]
    assert scored.same_data is None
    assert scored.digest != score(network, whole).digest


def test_a_class_it_does_not_know_is_an_error(network: Network, tmp_path: Path) -> None:
    draw(tmp_path, ("bars", "stars"))
    with pytest.raises(UsageError, match="these pictures show 'stars', which the run never learn"):
        score(network, tmp_path)


def test_five_guesses_are_counted_where_there_are_more_classes() -> None:
    confusion = torch.eye(6, dtype=torch.int64)
    scored = Scored("x", tuple("abcdef"), confusion, 1.0, 1.0, 0.1, "", None)
    assert scored.to_document()["accuracy_top5"] == 1.0
