"""How predictions and scores are shown."""

from pathlib import Path

import torch

from tracker.cli.trained import classes_table, confusion_table, predictions_table, score_facts
from tracker.reading.table import plain
from tracker.trained.evaluation import Scored
from tracker.trained.prediction import Guess, Prediction


def scored(*rows: list[int], in_top: float | None = None) -> Scored:
    confusion = torch.tensor(rows)
    names = tuple("abcdefghijklmnopq"[: len(rows)])
    accuracy = int(confusion.trace()) / int(confusion.sum())
    return Scored("the pictures in x", names, confusion, accuracy, in_top, 0.25, "", None)


def test_a_prediction_is_a_row() -> None:
    sure = Prediction(Path("x.png"), (Guess("cat", 1, 0.9994), Guess("dog", 0, 0.0006)))
    alone = Prediction(Path("y.png"), (Guess("dog", 0, 0.5),))
    assert plain(predictions_table([sure, alone])) == [
        "picture  class   sure  else",
        "x.png    cat    99.9%  dog 0.1%",
        "y.png    dog    50.0%  –",
    ]


def test_scores_in_words() -> None:
    few = scored([3, 1], [0, 4])
    assert score_facts(few) == {
        "data": "the pictures in x",
        "accuracy": "87.5% (7 of 8)",
        "loss": "0.2500",
    }
    assert score_facts(scored([1], in_top=0.5))["in 5 likeliest"] == "50.0%"


def test_classes_without_a_picture_have_no_row() -> None:
    some = scored([3, 1, 2], [0, 0, 0], [0, 0, 5])
    assert plain(classes_table(some)) == [
        "class  pictures  right  accuracy  taken for",
        "a             6      3     50.0%  c 2, b 1",
        "c             5      5    100.0%  –",
    ]
    table = confusion_table(some)
    assert table is not None
    assert plain(table) == ["is \\ called  a  b  c", "a            3  1  2", "c            0  0  5"]


def test_a_matrix_too_wide_to_read_is_left_out() -> None:
    assert confusion_table(scored(*([[1] * 12] * 12))) is not None
    assert confusion_table(scored(*([[1] * 13] * 13))) is None


def test_of_many_mistakes_the_commonest_are_named() -> None:
    rows = [[0, 5, 4, 3, 2, 1]] + [[0] * 6] * 5
    [row] = classes_table(scored(*rows)).rows
    assert row[-1] == "b 5, c 4, d 3, e 2"
