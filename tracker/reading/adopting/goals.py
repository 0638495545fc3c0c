"""Which way is better, and which series to judge by, told from the names people give their tags.

A guess, made to be overruled: it is shown, and `tracker import` takes --goal and --metric.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from tracker.tags import GOALS, Goal

# A name is told by its last word that is here: "accuracy/loss" is a loss, "loss/acc" is not.
_LOWER_IS_BETTER = """
    bpb bpc bpd brier cer cost crossentropy ece eer entropy epe err error errors fid kid kl lpips
    logloss loss losses mae mape mse nll perplexity ppl regret rmse rmsle wer
"""
_HIGHER_IS_BETTER = """
    acc accuracies accuracy ap auc auprc auroc bleu correct dice exactmatch f1 fbeta fscore hits iou
    jaccard kappa map mcc meteor miou mrr ndcg precision psnr r2 recall return returns reward
    rewards rouge score sensitivity specificity ssim success top1 top5 winrate
"""
_GOALS: dict[str, Goal] = {
    **dict.fromkeys(_LOWER_IS_BETTER.split(), "min"),
    **dict.fromkeys(_HIGHER_IS_BETTER.split(), "max"),
}
_ACCURACY = frozenset({"acc", "accuracy", "top1"})
# Pictures the network has not learned from come first, those kept for choosing before all others.
_SPLITS = ({"val", "valid", "validation", "dev", "eval", "evaluation"}, {"test", "testing"})
_TRAIN = {"train", "training", "batch"}
_PLACEHOLDER = "hp_metric"  # Lightning writes -1 under it where nobody chose a metric

_WORD = re.compile(r"[^\W_]+")
_PIECE = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def goal_of(tag: str) -> Goal | None:
    """Which way of `tag` is better, as its name says: its last word that is known decides.

    None where no word does.
    """
    if tag in GOALS:
        return GOALS[tag]
    for word in reversed(_words(tag)):
        if word in _GOALS:
            return _GOALS[word]
    return None


def main_metric(tags: Collection[str]) -> str | None:
    """The tag to compare runs by; None where there are no tags.

    Those of which more is better come first, then those of which less is, then the rest. Within
    these: of validation, of test, of nothing said, of training; accuracies before others; the
    shorter name, then the alphabet.
    """
    return min(tags, key=_rank, default=None)


def _rank(tag: str) -> tuple[bool, int, int, bool, int, str]:
    words = set(_words(tag))
    by_goal = {"max": 0, "min": 1, None: 2}[goal_of(tag)]
    split = next((place for place, names in enumerate(_SPLITS) if names & words), 2)
    if split == 2 and _TRAIN & words:
        split = 3
    return tag == _PLACEHOLDER, by_goal, split, not _ACCURACY & words, len(tag), tag


def _words(tag: str) -> list[str]:
    """The words of a tag in order, small: also those of one written valLoss, and mAP50 as map."""
    words = []
    for found in _WORD.findall(tag):
        words += [piece.lower() for piece in _PIECE.findall(found)]
        words += [found.lower().rstrip("0123456789"), found.lower()]
    return words
