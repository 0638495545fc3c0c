"""The table's words are the comparison's own."""

from tests.records import record
from tracker.reading.comparison.compare import compare
from tracker.reading.comparison.words import chance, interval, spread
from tracker.reading.report.scores import scores

BASE = [0.70, 0.72, 0.71]
BETTER = [0.76, 0.77, 0.77]
RUNS = [
    record(backbone, seed, {"accuracy/val": value, "loss/val": 1 - value})
    for backbone, values in (("resnet50", BASE), ("se_resnet50", BETTER))
    for seed, value in enumerate(values)
]


def test_each_row_tells_what_was_compared() -> None:
    comparison = compare(RUNS)
    table = scores(comparison, "accuracy/val")
    score = comparison.groups[1].scores["accuracy/val"]
    verdict, difference = score.verdict, score.differences["last"]
    assert verdict is not None
    assert score.last is not None
    first, row = table.rows
    assert (first.difference, first.p, first.outcome) == ("reference", "–", "")
    assert (row.name, row.n, row.outcome) == ("se_resnet50", 3, "better")
    assert row.deciding == spread(score.last.mean, score.last.std, "accuracy/val") == "76.67 ± 0.58"
    assert row.interval == interval(score.last.low, score.last.high, "accuracy/val")
    assert row.difference == "+5.67 (4.23 to 7.10)"
    assert row.difference.endswith(f"({interval(difference.low, difference.high, 'accuracy/val')})")
    assert row.p == chance(verdict.p)


def test_the_drawing_puts_the_better_one_to_the_right_and_the_mean_amid_its_interval() -> None:
    first, row = scores(compare(RUNS), "accuracy/val").rows
    assert first.mean is not None
    assert row.mean is not None
    assert row.reach is not None
    assert first.mean < row.mean
    assert row.reach[0] < min(row.dots) < row.mean < max(row.dots) < row.reach[1]
    assert len(row.dots) == 3


def test_a_lone_run_has_a_dot_and_no_interval() -> None:
    [row] = scores(compare(RUNS[:1], alone=True), "accuracy/val").rows
    assert (row.n, row.interval, row.reach, row.difference) == (1, "–", None, "–")
    assert row.dots == (row.mean,)


def test_the_best_value_decides_where_it_was_asked_for() -> None:
    table = scores(compare(RUNS, value="best"), "loss/val")
    assert (table.deciding, table.other, table.goal) == ("best", "last", "lower is better")
