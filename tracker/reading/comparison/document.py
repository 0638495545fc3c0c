"""A comparison as plain values, for JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tracker.reading.comparison.result import Compared, Comparison, Score
from tracker.reading.comparison.words import question, sentence
from tracker.spec.differences import MISSING


def to_document(comparison: Comparison) -> dict[str, Any]:
    """The JSON object of a comparison: its fields as they are named, runs by their ids."""
    return {
        "question": question(comparison),
        "by": list(comparison.grouping.by),
        "pooled": list(comparison.grouping.pooled),
        "confounded": list(comparison.grouping.confounded),
        "metrics": [{"tag": tag, "goal": goal} for tag, goal in comparison.metrics.items()],
        "value": comparison.value,
        "step": comparison.step,
        "reference": comparison.reference,
        "groups": [_group(comparison, each) for each in comparison.groups],
        "remarks": list(comparison.remarks),
        "left_out": [asdict(one) for one in comparison.left_out],
    }


def _group(comparison: Comparison, each: Compared) -> dict[str, Any]:
    known = {path: value for path, value in each.group.settings.items() if value is not MISSING}
    return {
        "name": each.group.name,
        "settings": known,
        "runs": {unit: run.id for unit, run in each.group.members.items()},
        "metrics": {tag: _score(comparison, each, tag) for tag in each.scores},
        "price": asdict(each.price),
    }


def _score(comparison: Comparison, each: Compared, tag: str) -> dict[str, Any]:
    score: Score = each.scores[tag]
    verdict = score.verdict
    return {
        "last": score.last and asdict(score.last),
        "best": score.best and asdict(score.best),
        "values": dict(score.values),
        "differences": {value: asdict(one) for value, one in score.differences.items()},
        "p_holm": dict(score.p),
        "verdict": verdict
        and {
            "outcome": verdict.outcome,
            "p": verdict.p,
            "tests": verdict.tests,
            "why": verdict.why,
            "words": sentence(comparison, each, tag),
        },
    }
