import pytest

from tracker.reading.adopting.goals import goal_of, main_metric
from tracker.tags import GOALS, Goal


@pytest.mark.parametrize(
    ("tag", "goal"),
    [
        *GOALS.items(),
        ("val_loss", "min"),
        ("valLoss", "min"),
        ("MSELoss", "min"),
        ("Loss/val", "min"),
        ("Loss/acc", "max"),
        ("accuracy/loss", "min"),
        ("top1_err", "min"),
        ("epoch_loss/validation", "min"),
        ("epoch_sparse_categorical_accuracy", "max"),
        ("ValAccuracy", "max"),
        ("metrics/mAP50(B)", "max"),
        ("val_f1", "max"),
        ("R2", "max"),
        ("mean_iou", "max"),
        ("eval/wer", "min"),
        ("rollout/ep_rew_mean", None),
        ("hp_metric", None),
        ("lr-Adam", None),
        ("epoch", None),
        ("", None),
        ("glossary", None),
    ],
)
def test_the_last_word_that_is_known_decides(tag: str, goal: Goal | None) -> None:
    assert goal_of(tag) == goal


@pytest.mark.parametrize(
    ("best", "others"),
    [
        ("accuracy/val", ["accuracy/train", "loss/val", "accuracy/test"]),
        ("val_acc", ["acc", "test_acc", "val_f1", "val_loss"]),
        ("Accuracy/test", ["Accuracy", "Accuracy/train"]),
        ("acc", ["train_acc", "val_loss"]),
        ("train_acc", ["val_loss", "epoch"]),
        ("val_loss", ["train_loss", "lr", "epoch", "hp_metric"]),
        ("val/acc_top1", ["val/acc_top5"]),
        ("epoch", ["hp_metric"]),
        ("hp_metric", []),
    ],
)
def test_the_metric_is_of_held_out_pictures_and_an_accuracy_if_there_is_one(
    best: str, others: list[str]
) -> None:
    assert main_metric([best, *others]) == best
    assert main_metric([*others, best]) == best


def test_where_there_are_no_series_there_is_no_metric() -> None:
    assert main_metric([]) is None
