"""What a comparison concludes, against numbers worked out by hand or by NumPy."""

import math
import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats as scipy_stats

from tests.records import DATA, PRICE, record
from tracker.errors import NotComparable, UsageError
from tracker.reading.comparison.compare import compare
from tracker.reading.comparison.result import Comparison, Verdict
from tracker.store.index import RunRecord
from tracker.store.summary import Improvement, Metric

BASE = [0.70, 0.72, 0.71, 0.69, 0.70]
BETTER = [0.75, 0.76, 0.77, 0.74, 0.76]
NOISE = [0.71, 0.70, 0.72, 0.70, 0.68]


def runs(backbone: str, values: Sequence[float | None], first_seed: int = 0) -> list[RunRecord]:
    return [record(backbone, seed, value) for seed, value in enumerate(values, first_seed)]


def verdict(comparison: Comparison, group: int = 0, tag: str = "accuracy/val") -> Verdict:
    found = comparison.others[group].scores[tag].verdict
    assert found is not None
    return found


def test_a_clear_difference_is_better_with_the_numbers_of_scipy() -> None:
    found = compare([*runs("resnet50", BASE), *runs("se_resnet50", BETTER)])
    one = verdict(found)
    right = scipy_stats.ttest_rel(BETTER, BASE)
    assert (found.reference, one.outcome, one.tests) == ("resnet50", "better", 2)
    assert one.p == pytest.approx(2 * right.pvalue)  # the last values, and the best
    assert one.difference is not None
    assert one.difference.mean == pytest.approx(np.mean(np.subtract(BETTER, BASE)))
    assert one.difference.std == pytest.approx(np.std(np.subtract(BETTER, BASE), ddof=1))
    score = found.groups[1].scores["accuracy/val"]
    assert score.last is not None
    assert score.last.mean == pytest.approx(np.mean(BETTER))
    assert score.values["seed 2"] == 0.77


def test_held_against_the_better_one_the_other_is_worse() -> None:
    found = compare(
        [*runs("resnet50", BASE), *runs("se_resnet50", BETTER)], reference="se_resnet50"
    )
    assert verdict(found).outcome == "worse"


def test_a_lower_loss_is_better() -> None:
    records = [
        record(backbone, seed, {"loss/val": value}, metric="loss/val")
        for backbone, values in (("resnet50", BETTER), ("se_resnet50", BASE))
        for seed, value in enumerate(values)
    ]
    found = compare(records)
    assert found.metric == "loss/val"
    assert verdict(found, tag="loss/val").outcome == "better"


def test_noise_is_indistinguishable() -> None:
    found = compare([*runs("resnet50", BASE), *runs("se_resnet50", NOISE)])
    assert verdict(found).outcome == "indistinguishable"


def test_one_run_each_is_unknown() -> None:
    found = compare([record("resnet50"), record("se_resnet50", 0, 0.9)])
    assert verdict(found).outcome == "unknown"
    assert "one run" in verdict(found).why


def test_the_same_gap_in_every_seed_is_no_proof() -> None:
    found = compare([*runs("resnet50", [0.5, 0.6]), *runs("se_resnet50", [0.51, 0.61])])
    assert verdict(found).outcome == "unknown"
    same = compare([*runs("resnet50", [0.5, 0.6]), *runs("se_resnet50", [0.5, 0.6])])
    assert (verdict(same).outcome, verdict(same).why) == ("indistinguishable", "identical")


def test_without_common_seeds_the_test_is_not_paired() -> None:
    found = compare([*runs("resnet50", BASE), *runs("se_resnet50", BETTER, first_seed=10)])
    difference = verdict(found).difference
    assert difference is not None
    assert difference.kind == "unpaired"
    assert difference.p == pytest.approx(
        scipy_stats.ttest_ind(BETTER, BASE, equal_var=False).pvalue
    )
    assert not any("no pair" in one for one in found.remarks)


def test_seeds_that_only_one_has_are_said_and_not_in_the_pairs() -> None:
    found = compare([*runs("resnet50", BASE), *runs("se_resnet50", BETTER[:3])])
    difference = verdict(found).difference
    assert difference is not None
    assert (difference.kind, difference.n) == ("paired", 3)
    assert "seed 3, seed 4 of resnet50 in no pair: se_resnet50 has no such run" in found.remarks


def test_several_comparisons_are_corrected() -> None:
    found = compare(
        [*runs("resnet50", BASE), *runs("se_resnet50", BETTER), *runs("resnet18", NOISE)]
    )
    raw = scipy_stats.ttest_rel(BETTER, BASE).pvalue
    assert verdict(found).tests == 4  # two groups, the last values and the best
    assert verdict(found).p == pytest.approx(4 * raw)
    difference = verdict(found).difference
    assert difference is not None
    assert difference.p == pytest.approx(raw)


def test_each_metric_is_a_question_of_its_own() -> None:
    """What else is shown must not change the verdict on what was asked."""
    records = [
        record(backbone, seed, {"accuracy/val": value, "loss/val": 1 - value})
        for backbone, values in (("resnet50", BASE), ("se_resnet50", BETTER))
        for seed, value in enumerate(values)
    ]
    both, alone = compare(records), compare(records, metrics=["accuracy/val"])
    assert list(both.metrics) == ["accuracy/val", "loss/val"]
    assert verdict(both) == verdict(alone)


def test_the_value_that_does_not_decide_has_its_p_too() -> None:
    records = [*runs("resnet50", BASE), *runs("se_resnet50", BETTER)]
    score = compare(records).groups[1].scores["accuracy/val"]
    assert set(score.p) == {"last", "best"}
    assert compare(records).groups[0].scores["accuracy/val"].p == {}


def test_a_run_without_a_number_is_left_out_and_named() -> None:
    found = compare([*runs("resnet50", BASE), *runs("se_resnet50", [None, *BETTER[1:]])])
    assert [(one.run, one.reason) for one in found.left_out] == [
        ("first/se_resnet50/s0", "its accuracy/val is not a number")
    ]
    last = found.groups[1].scores["accuracy/val"].last
    assert last is not None
    assert last.mean == pytest.approx(np.mean(BETTER[1:]))


def test_a_run_that_did_not_end_is_left_out_and_named() -> None:
    dead = record("se_resnet50", 5, 0.1, state="failed", cause="loss is nan", step=20)
    found = compare([*runs("resnet50", BASE), *runs("se_resnet50", BETTER), dead])
    assert [one.reason for one in found.left_out] == ["failed at step 20 of 300: loss is nan"]
    assert any("1 of 6 runs came to no number" in one for one in found.remarks)


def test_other_data_is_never_compared() -> None:
    def of(backbone: str, values: Sequence[float], **facts: object) -> list[RunRecord]:
        data = replace(DATA, **facts)  # type: ignore[arg-type]
        return [replace(one, data=data) for one in runs(backbone, values)]

    for facts in ({"digest": "e" * 64}, {"name": "cifar10"}, {"val_size": 7}):
        with pytest.raises(NotComparable, match=r"data|pictures"):
            compare([*of("resnet50", BASE), *of("se_resnet50", BETTER, **facts)])
    three = [*of("resnet50", BASE), *of("se_resnet50", BETTER), *of("resnet34", NOISE, val_size=7)]
    found = compare(three)
    assert [verdict(found, at).outcome for at in (0, 1)] == ["better", "incomparable"]
    assert found.others[1].scores["accuracy/val"].differences == {}


def test_a_different_training_set_is_a_fair_question() -> None:
    few = [
        replace(
            record("resnet50", seed, value, spec={"data": {"train_size": 256}}),
            data=replace(DATA, digest="f" * 64, train_size=256),
        )
        for seed, value in enumerate(NOISE)
    ]
    found = compare([*runs("resnet50", BASE), *few])
    assert found.grouping.by == ("data.train_size",)
    assert verdict(found).outcome == "indistinguishable"


def test_a_member_with_other_data_than_its_group_is_left_out() -> None:
    records = [*runs("resnet50", BASE), *runs("se_resnet50", BETTER)]
    records[3] = replace(records[3], data=replace(DATA, digest="e" * 64))
    found = compare(records)
    assert [one.run for one in found.left_out] == [records[3].id]
    assert verdict(found).difference is not None


def test_experiments_that_ask_for_the_same_are_compared_by_name() -> None:
    halves = [
        record("resnet50", seed, value, spec={"name": name})
        for name, first in (("a", 0), ("b", 10))
        for seed, value in enumerate(NOISE, first)
    ]
    found = compare(halves)
    assert [each.group.name for each in found.groups] == ["a", "b"]
    assert verdict(found).outcome == "indistinguishable"


def test_what_differs_beside_the_axis_is_said() -> None:
    wide = {"optimizer": {"lr": 0.3}, "training": {"batch_size": 32}}
    records = [
        *runs("resnet50", BASE),
        *(record("se_resnet50", seed, value, spec=wide) for seed, value in enumerate(BETTER)),
    ]
    assert (
        "the groups differ not only in model.backbone but in optimizer.lr, training.batch_size too"
        in compare(records).remarks
    )


def test_other_machines_and_steps_are_said() -> None:
    records = [*runs("resnet50", BASE), *runs("se_resnet50", BETTER)]
    longer = Metric("max", 0.9, 600, 0.9, 600)
    records[-1] = replace(
        records[-1], host="there", machine={"threads": 8}, metrics={"accuracy/val": longer}
    )
    records[0] = replace(records[0], machine={"threads": 4})
    told = compare(records).remarks
    assert "computed with different threads: 4, 8" in told
    assert "run on 2 hosts (here, there): their speeds are not to be compared" in told
    assert (
        "the last accuracy/val is not of the same step everywhere: "
        "resnet50 300, se_resnet50 300 to 600" in told
    )


def test_the_price_and_the_time_to_the_others_accuracy() -> None:
    def climbing(backbone: str, seed: int, values: Sequence[float]) -> RunRecord:
        steps = tuple(
            Improvement(100 * at, 10.0 * at + seed, value) for at, value in enumerate(values, 1)
        )
        metric = Metric("max", values[-1], 300, max(values), 300, steps)
        price = replace(PRICE, images_per_second=100.0 + seed, seconds=30.0)
        return record(backbone, seed, metrics={"accuracy/val": metric}, price=price)

    slow = [climbing("resnet50", seed, (0.3, 0.5, 0.6)) for seed in (0, 1)]
    fast = [climbing("se_resnet50", seed, (0.5, 0.6 + seed / 100, 0.8)) for seed in (0, 1)]
    base, other = compare([*slow, *fast]).groups
    assert base.price.reach is not None
    assert (base.price.reach.other, base.price.reach.reached) == ("se_resnet50", 0)
    reach = other.price.reach
    assert reach is not None
    assert reach.steps is not None
    assert reach.seconds is not None
    assert (reach.other, reach.target, reach.reached, reach.n) == ("resnet50", 0.6, 2, 2)
    assert (reach.steps.mean, reach.seconds.mean) == (200, 20.5)
    speed, epoch = other.price.images_per_second, other.price.seconds_per_epoch
    assert speed is not None
    assert epoch is not None
    assert (speed.mean, epoch.mean) == (100.5, 10.0)


def test_best_may_decide() -> None:
    records = [*runs("resnet50", BASE), *runs("se_resnet50", BETTER)]
    fallen = [
        replace(one, metrics={"accuracy/val": replace(one.metrics["accuracy/val"], last=0.1)})
        for one in records[5:]
    ]
    assert verdict(compare([*records[:5], *fallen])).outcome != "better"
    assert verdict(compare([*records[:5], *fallen], value="best")).outcome == "better"


@pytest.mark.parametrize(
    ("records", "error", "words"),
    [
        ([], NotComparable, "no runs"),
        (runs("resnet50", BASE), NotComparable, "one group"),
        ([record(values={}), record("resnet34", values={})], NotComparable, "has a value yet"),
        (
            [record(state="running"), record("resnet34", state="running")],
            NotComparable,
            "left out: first/resnet50/s0: running at step 300",
        ),
    ],
)
def test_nothing_to_compare_is_never_a_pass(
    records: list[RunRecord], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        compare(records)


def test_a_metric_or_reference_that_is_not_there_is_refused() -> None:
    records = [record("resnet50"), record("resnet34")]
    with pytest.raises(UsageError, match="'acc/val'; there are accuracy/val"):
        compare(records, metrics=["acc/val"])
    with pytest.raises(UsageError, match="no group 'vgg'; there are resnet50, resnet34"):
        compare(records, reference="vgg")


def test_where_few_seeds_are_shared_nothing_is_thrown_away() -> None:
    """Two shared seeds of five must not speak for all."""
    found = compare(
        [*runs("resnet50", BASE), *runs("se_resnet50", [0.69, 0.71, *BETTER[2:]], first_seed=3)]
    )
    difference = verdict(found).difference
    assert difference is not None
    assert difference.kind == "unpaired"
    last = found.groups[1].scores["accuracy/val"].last
    assert last is not None
    assert difference.mean == pytest.approx(last.mean - np.mean(BASE))


def test_pairs_that_say_the_opposite_of_all_runs_are_no_verdict() -> None:
    before = [0.70, 0.71, 0.72, 0.20]
    after = [0.69, 0.7001, 0.7099, None]
    found = compare([*runs("resnet50", before), *runs("se_resnet50", after)])
    assert verdict(found).outcome == "unknown"
    assert "the opposite" in verdict(found).why


def test_settings_that_are_pooled_are_no_repeats() -> None:
    """Three learning rates with each of three seeds are three seeds, not nine."""
    records = [
        record(
            backbone,
            seed,
            0.5 + seed / 100 + rate / 10 + (backbone == "se_resnet50") * (0.02 + seed / 1000),
            spec={"optimizer": {"lr": rate}},
        )
        for backbone in ("resnet50", "se_resnet50")
        for rate in (0.1, 0.2, 0.3)
        for seed in range(3)
    ]
    found = compare(records, by=["model.backbone"])
    difference = verdict(found).difference
    assert difference is not None
    assert difference.n == 3
    assert difference.mean == pytest.approx(0.021)
    last = found.groups[0].scores["accuracy/val"].last
    assert last is not None
    assert last.n == 3
    assert last.mean == pytest.approx(0.53)
    assert "each seed stands for the mean of its runs with different optimizer.lr" in found.remarks


def test_pooled_settings_that_only_one_has_are_in_no_pair() -> None:
    def of(backbone: str, rates: Sequence[float]) -> list[RunRecord]:
        return [
            record(backbone, seed, 0.5 + rate, spec={"optimizer": {"lr": rate}})
            for rate in rates
            for seed in range(3)
        ]

    records = [*of("resnet50", (0.1, 0.2)), *of("se_resnet50", (0.1, 0.3))]
    difference = verdict(compare(records, by=["model.backbone"])).difference
    assert difference is not None
    assert (difference.n, difference.mean) == (3, 0.0)  # of the lr both have


def test_a_damaged_run_is_left_out_and_changes_nothing_else() -> None:
    records = [*runs("resnet50", BASE), *runs("se_resnet50", BETTER)]
    damaged = RunRecord(
        id="first/se_resnet50/s9",
        run=records[0].run,
        experiment="first",
        variant="se_resnet50",
        seed=9,
        attempt=1,
        state="damaged",
        cause="status.json is torn",
    )
    for by in (None, ["model.backbone"], ["variant"]):
        found, sound = compare([damaged, *records], by=by), compare(records, by=by)
        assert [(one.run, one.reason) for one in found.left_out] == [
            ("first/se_resnet50/s9", "damaged: status.json is torn")
        ]
        assert (found.grouping, found.groups) == (sound.grouping, sound.groups)
    with pytest.raises(NotComparable, match=r"no run is left: .*status\.json is torn"):
        compare([damaged])


def test_a_run_that_ended_without_a_number_counts_against_its_group() -> None:
    found = compare([*runs("resnet50", BASE), *runs("se_resnet50", [None, *BETTER[1:]])])
    assert any("se_resnet50: 1 of 5 runs came to no number" in one for one in found.remarks)


def test_a_failed_run_that_was_run_again_does_not() -> None:
    failed = record("se_resnet50", 0, 0.1, id="failed", state="failed", cause="x")
    found = compare([*runs("resnet50", BASE), failed, *runs("se_resnet50", BETTER)])
    assert not any("no number" in one for one in found.remarks)


def test_runs_trained_elsewhere_are_not_paired_with_ours_by_seed() -> None:
    elsewhere = [
        record(seed=seed, values=value, asked={"settings": {"lr": 1}}, variant="theirs", data=None)
        for seed, value in enumerate(BETTER)
    ]
    found = compare([*runs("resnet50", BASE), *elsewhere])
    difference = verdict(found).difference
    assert difference is not None
    assert difference.kind == "unpaired"
    assert any("nothing is known of the pictures that theirs" in one for one in found.remarks)


def test_what_a_seed_is_called_elsewhere_is_no_setting() -> None:
    elsewhere = [
        record(
            seed=seed,
            values=value,
            asked={"settings": {"lr": 1, "seed": seed, "log_dir": f"/x/{net}{seed}"}},
            variant=net,
        )
        for net, values in (("plain", BASE), ("wide", BETTER))
        for seed, value in enumerate(values)
    ]
    assert [each.group.name for each in compare(elsewhere).groups] == ["plain", "wide"]


def test_what_auto_became_is_what_counts() -> None:
    auto = [
        replace(one, machine={"threads": 4, "precision": "float32"})
        for one in runs("resnet50", BASE)
    ]
    said = [
        replace(
            record("resnet50", seed, 0.7, spec={"training": {"precision": "float32"}}),
            machine={"threads": 4, "precision": "float32"},
        )
        for seed in (7, 8)
    ]
    with pytest.raises(NotComparable, match="one group"):
        compare([*auto, *said])


def test_where_the_pictures_lie_makes_no_group() -> None:
    there = record("resnet50", 7, 0.7, spec={"data": {"root": "/elsewhere"}})
    with pytest.raises(NotComparable, match="one group"):
        compare([*runs("resnet50", BASE), there])


def test_other_software_is_said() -> None:
    records = [
        replace(one, machine={"torch": version, "channels_last": version == "2.9"})
        for one, version in zip(
            [*runs("resnet50", BASE), *runs("se_resnet50", BETTER)],
            5 * ["2.1"] + 5 * ["2.9"],
            strict=True,
        )
    ]
    told = compare(records).remarks
    assert "computed with different torch: 2.1, 2.9" in told
    assert "computed with different channels_last: False, True" in told


def test_the_best_of_more_evaluations_is_said() -> None:
    often = [
        record("se_resnet50", seed, value, spec={"logging": {"eval_every": 5}})
        for seed, value in enumerate(BETTER)
    ]
    records = [*runs("resnet50", BASE), *often]
    assert any(
        "evaluated every 1, 5 epochs" in one for one in compare(records, value="best").remarks
    )
    assert not any("evaluated every" in one for one in compare(records).remarks)


def test_gaps_that_are_only_rounding_are_none() -> None:
    found = compare(
        [*runs("resnet50", BASE), *runs("se_resnet50", [value + 1e-9 for value in BASE])]
    )
    assert verdict(found).outcome == "indistinguishable"


@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_of_a_thousand_comparisons_of_the_same_at_most_fifty_find_a_difference(n: int) -> None:
    """Accuracies on 1,000 pictures, their losses going with them, two groups from one source."""
    chance = random.Random(n)

    def values() -> dict[str, float]:
        accuracy = round(chance.gauss(0.72, 0.012), 3)
        return {"accuracy/val": accuracy, "loss/val": 2 * (1 - accuracy) + chance.gauss(0, 0.02)}

    false = 0
    for _ in range(1000):
        records = [
            record(backbone, seed, values())
            for backbone in ("resnet50", "se_resnet50")
            for seed in range(n)
        ]
        false += verdict(compare(records)).outcome in ("better", "worse")
    assert false <= 50


def test_two_halves_of_twenty_seeds_are_indistinguishable() -> None:
    chance = random.Random(0)
    halves = [
        record("resnet50", seed, chance.gauss(0.72, 0.012), spec={"name": f"half-{seed // 10}"})
        for seed in range(20)
    ]
    assert verdict(compare(halves)).outcome == "indistinguishable"


def test_nothing_becomes_nan() -> None:
    found = compare([*runs("resnet50", BASE), *runs("se_resnet50", BETTER)])
    for each in found.groups:
        last = each.scores["accuracy/val"].last
        assert last is not None
        assert math.isfinite(last.mean)


def test_pooling_finds_no_more_differences_than_there_are() -> None:
    """Seeds that carry their luck through every learning rate, and no difference between groups."""
    chance = random.Random(5)
    false = 0
    for _ in range(300):
        records = []
        for backbone in ("resnet50", "se_resnet50"):
            for seed in range(3):
                luck = chance.gauss(0.7, 0.01)
                records += [
                    record(
                        backbone,
                        seed,
                        luck + chance.gauss(0, 0.003),
                        spec={"optimizer": {"lr": rate}},
                    )
                    for rate in (0.1, 0.2, 0.3)
                ]
        found = compare(records, by=["model.backbone"])
        false += verdict(found).outcome in ("better", "worse")
    assert false <= 15
