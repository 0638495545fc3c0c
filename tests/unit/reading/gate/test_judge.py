from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.observed import DATA, HERE, MACHINE, NETWORK, curve, observed
from tracker.errors import NotComparable, UsageError
from tracker.reading.gate.baseline import Baseline, record
from tracker.reading.gate.judge import Manner, judge
from tracker.reading.gate.observed import Environment, Observed
from tracker.reading.gate.resources import Calibration
from tracker.reading.gate.verdict import Check, Kind
from tracker.spec.convert import to_document
from tracker.spec.experiment import Expectation
from tracker.spec.load import from_document

SEEDS = range(5)
ELSEWHERE = replace(HERE, machine={**MACHINE, "threads": 2})
KERNEL = Calibration(kernels_per_second=100, peak_memory_bytes=1000)


def five(**changes: Any) -> Baseline:
    return record([observed(seed, **changes) for seed in SEEDS])


def statuses(check: Check) -> dict[str, str]:
    return {one.metric: one.status for one in check.verdicts}


def asked(**changes: Any) -> dict[str, Any]:
    """What a run was asked for, its seed aside."""
    document = to_document(from_document({"name": "a", **changes}))
    del document["seed"]
    return document


def of(check: Check, metric: str) -> Any:
    return next(one for one in check.verdicts if one.metric == metric)


def test_the_same_run_on_the_same_machine_is_the_same_to_the_bit() -> None:
    check = judge(five(), [observed(0)])
    assert check.mode == "exact"
    assert check.exit_code == 0
    assert set(statuses(check).values()) == {"pass"}
    assert check.answer == "x/y/s0 matches its baseline bit for bit"


def test_one_bit_fails_and_the_step_is_named() -> None:
    check = judge(five(), [observed(0, {"loss/train": (2.0, 1.5000001, 1.0)})])
    assert check.exit_code == 7
    found = of(check, "loss/train")
    assert (found.status, found.since) == ("fail", 2)
    assert found.words == "seed 0, step 2: 1.5 became 1.5000001"
    assert statuses(check)["accuracy/val"] == "pass"
    assert "within the spread" in check.aside


def test_a_change_for_the_better_is_a_change_all_the_same() -> None:
    check = judge(five(), [observed(0, {"accuracy/val": (0.2, 0.4, 0.99)})])
    assert of(check, "accuracy/val").status == "fail"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((2.0, 1.5), "seed 0 has no point at step 3 any more"),
        ((2.0, 1.5, 1.0, 0.5), "seed 0 has 4 points, not 3"),
        ((2.0, float("nan"), 1.0), "seed 0 is not finite everywhere"),
    ],
)
def test_what_is_missing_or_no_number_is_never_a_pass(
    values: tuple[float, ...], words: str
) -> None:
    check = judge(five(), [observed(0, {"loss/train": values})])
    assert check.exit_code == 8
    assert of(check, "loss/train").words == words


def test_a_series_that_is_gone_is_never_a_pass() -> None:
    run = observed(0)
    curves = {tag: one for tag, one in run.curves.items() if tag != "loss/train"}
    for mode in ("exact", "statistical"):
        check = judge(five(), [replace(run, curves=curves)], Manner(mode=mode))
        assert check.exit_code == 8
        assert of(check, "loss/train").status == "unknown"


def test_other_data_cannot_be_compared_whatever_else_is_wrong() -> None:
    run = observed(0, {"loss/train": (9, 9, 9)}, data={**DATA, "digest": "e"})
    check = judge(five(), [run])
    assert check.exit_code == 8
    assert statuses(check) == {"data": "unknown"}
    assert "digest 'd' → 'e'" in of(check, "data").words


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        (ELSEWHERE, "run under other circumstances: threads 1 → 2"),
        (replace(HERE, cpu="b cpu"), "run under other circumstances: cpu 'a cpu' → 'b cpu'"),
        (
            replace(HERE, packages={"torch": "2.16"}),
            "run under other circumstances: torch '2.15' → '2.16'",
        ),
        (Environment(), "it is not known of both which machine and cpu and packages they had"),
    ],
)
def test_bits_are_asked_for_under_the_same_circumstances_alone(
    environment: Environment, why: str
) -> None:
    check = judge(five(), [observed(0, environment=environment)])
    assert (check.mode, check.why_mode, check.exit_code) == ("statistical", why, 0)
    assert judge(five(), [observed(0, environment=environment)], Manner(mode="exact")).mode == (
        "exact"
    )


def test_a_seed_that_was_not_recorded_is_left_to_chance() -> None:
    check = judge(five(), [observed(7)])
    assert (check.mode, check.why_mode) == ("statistical", "none of these seeds was recorded")
    assert judge(five(), [observed(7)], Manner(mode="exact")).exit_code == 8


def test_chance_is_asked_with_the_direction_in_mind() -> None:
    run = observed(0, {"accuracy/val": (0.2, 0.4, 0.9)}, environment=ELSEWHERE)
    better = of(judge(five(), [run]), "accuracy/val")
    assert better.status == "pass"
    assert better.words.startswith("better than chance explains")
    run = observed(0, {"accuracy/val": (0.2, 0.4, 0.3)}, environment=ELSEWHERE)
    check = judge(five(), [run])
    worse = of(check, "accuracy/val")
    assert check.exit_code == 7
    assert (worse.status, worse.since) == ("fail", 3)
    assert worse.change == pytest.approx(0.3 - 0.62)
    assert worse.tolerance.startswith("−0.1")
    assert worse.p < 0.001


def test_a_schedule_is_the_same_everywhere() -> None:
    run = observed(0, {"optim/lr": (0.1, 0.2000001, 0.1)}, environment=ELSEWHERE)
    assert of(judge(five(), [run]), "optim/lr").status == "pass"
    run = observed(0, {"optim/lr": (0.1, 0.21, 0.1)}, environment=ELSEWHERE)
    found = of(judge(five(), [run]), "optim/lr")
    assert (found.status, found.since, found.words) == ("fail", 2, "step 2: 0.2 became 0.21")


def followed() -> tuple[Baseline, Callable[..., Observed]]:
    """Five seeds whose drift is known, and what makes runs to be held against them."""
    drift = {"loss/train": curve([1e-6, 1e-4, 1e-3]), "loss/val": curve([1e-6])}
    runs = [observed(seed, early={"loss/val": curve([2.5])}) for seed in SEEDS]
    return record(runs, drift=drift), lambda loss, early=2.5, **changes: observed(
        0,
        {"loss/train": loss},
        early={"loss/val": curve([early])},
        **{"environment": ELSEWHERE, **changes},
    )


def test_a_seed_is_the_same_everywhere_but_for_what_rounding_was_seen_to_do() -> None:
    baseline, run = followed()
    metric = "loss/train (same seed)"
    found = of(judge(baseline, [run((2.0, 1.5004, 1.004))]), metric)
    assert (found.status, found.words) == ("pass", "as recorded, but for rounding, up to step 3")
    found = of(judge(baseline, [run((2.0, 1.5006, 1.0))]), metric)
    assert (found.status, found.since, found.tolerance) == ("fail", 2, "±0.0005 at step 2")
    assert found.words == "seed 0, step 2: 1.5 became 1.5006, which is more than rounding does"
    found = of(judge(baseline, [run((2.0001, 1.5, 1.0))]), metric)
    assert (found.status, found.since) == ("fail", 1)
    found = of(judge(baseline, [run((2.0, float("nan"), 1.0))]), metric)
    assert (found.status, found.since) == ("fail", 2)


def test_an_evaluation_right_after_the_first_step_tells_what_it_does_wrong() -> None:
    baseline, run = followed()
    assert judge(baseline, [run((2.0, 1.5, 1.0))]).exit_code == 0
    check = judge(baseline, [run((2.0, 1.5, 1.0), early=2.5001)])
    found = of(check, "loss/val (same seed)")
    assert (check.exit_code, found.status, found.since) == (7, "fail", 1)


def test_an_accuracy_may_be_off_by_two_pictures() -> None:
    baseline = record([observed(0)], drift={"accuracy/val": curve([0.0, 0.0, 0.0])})
    for accuracy, status in ((0.64, "pass"), (0.65, "fail")):
        run = observed(0, {"accuracy/val": (0.2, 0.4, accuracy)}, environment=ELSEWHERE)
        assert of(judge(baseline, [run]), "accuracy/val (same seed)").status == status


def test_other_packages_may_draw_other_numbers_from_the_first_step_on() -> None:
    baseline, run = followed()
    check = judge(
        baseline,
        [
            run(
                (2.1, 1.6, 1.0),
                environment=replace(HERE, packages={"torch": "3"}),
                network=replace(NETWORK, graph="drawn otherwise"),
            )
        ],
    )
    assert check.exit_code == 0
    assert statuses(check)["loss/train (same seed)"] == "note"
    assert statuses(check)["network/graph"] == "note"


def test_another_device_rounds_so_differently_that_nothing_is_said() -> None:
    baseline, run = followed()
    gpu = replace(HERE, machine={**MACHINE, "device": "cuda"})
    check = judge(baseline, [run((2.0, 1.5, 1.0), environment=gpu)])
    assert not any("same seed" in metric for metric in statuses(check))


def test_a_baseline_of_runs_that_were_there_says_that_it_knows_of_no_drift() -> None:
    spec = asked()
    baseline = record([observed(seed, experiment=spec) for seed in SEEDS])
    check = judge(baseline, [observed(0, experiment=spec, environment=ELSEWHERE)])
    found = of(check, "loss/train (same seed)")
    assert (check.exit_code, found.status) == (0, "note")
    assert "record it from a SPEC" in found.words


@pytest.mark.parametrize("field", ["scalars_every", "eval_every"])
def test_points_at_other_steps_cannot_be_compared(field: str) -> None:
    baseline = record([observed(0, experiment=asked(logging={field: 1}))])
    run = observed(0, {"loss/train": (9, 9, 9)}, experiment=asked(logging={field: 10}))
    check = judge(baseline, [run])
    assert (check.exit_code, statuses(check)) == (8, {"points": "unknown"})
    assert f"logging.{field} 1 → 10" in of(check, "points").words


def test_what_else_is_logged_makes_no_difference() -> None:
    baseline = record([observed(0, experiment=asked(logging={"graph": True}))])
    run = observed(0, experiment=asked(logging={"graph": False, "histograms": "all"}))
    assert judge(baseline, [run]).answer == "x/y/s0 matches its baseline bit for bit"


def test_what_passes_elsewhere_is_within_its_tolerances_be_it_of_one_seed_or_of_more() -> None:
    expect = (Expectation(tag="accuracy/val", min=0.5),)
    for baseline in (five(), record([observed(0)])):
        check = judge(baseline, [observed(0, environment=ELSEWHERE, expect=expect)])
        assert check.answer == "x/y/s0 matches its baseline within its tolerances"


def test_one_seed_has_no_spread_so_elsewhere_it_takes_an_expectation() -> None:
    alone = record([observed(0)])
    check = judge(alone, [observed(0, environment=ELSEWHERE)])
    assert check.exit_code == 8
    assert "one seed was recorded" in of(check, "accuracy/val").words
    expect = (Expectation(tag="accuracy/val", min=0.5),)
    check = judge(alone, [observed(0, environment=ELSEWHERE, expect=expect)])
    assert check.exit_code == 0
    assert statuses(check)["accuracy/val"] == "note"
    assert statuses(check)["accuracy/val (expect)"] == "pass"


def test_another_network_fails_in_any_mode() -> None:
    run = observed(0, network=replace(NETWORK, parameters=11), environment=ELSEWHERE)
    assert of(judge(five(), [run]), "network/parameters").status == "fail"
    run = observed(0, network=replace(NETWORK, graph="h"))
    assert of(judge(five(), [run]), "network/graph").status == "fail"


def test_what_the_code_chose_otherwise_on_the_same_machine_is_its_doing() -> None:
    bits = replace(HERE, machine={**MACHINE, "precision": "bfloat16"})
    check = judge(five(), [observed(0, environment=bits)])
    assert check.mode == "statistical"
    assert of(check, "machine/precision").status == "fail"
    elsewhere = replace(bits, cpu="b cpu")
    assert "machine/precision" not in statuses(judge(five(), [observed(0, environment=elsewhere)]))


def test_what_was_asked_otherwise_is_named_and_decides_nothing() -> None:
    spec, other = asked(), asked(optimizer={"lr": 0.01})
    check = judge(record([observed(0, experiment=spec)]), [observed(0, experiment=other)])
    assert check.mode == "exact"
    assert check.exit_code == 0
    assert [change.path for _, change in check.changes] == ["optimizer.lr"]


def test_a_field_that_came_later_had_its_default_all_along() -> None:
    spec = asked()
    older = {key: value for key, value in spec.items() if key != "training"}
    check = judge(record([observed(0, experiment=older)]), [observed(0, experiment=spec)])
    assert check.changes == ()


def test_speed_and_memory_warn_unless_they_are_to_decide() -> None:
    resources: dict[str, Any] = {"images_per_second": 1000.0, "peak_memory_bytes": 2000}
    baseline = record([observed(0, **resources)], calibration=KERNEL)
    slow = observed(0, images_per_second=600.0, peak_memory_bytes=2000)
    large = observed(0, images_per_second=1000.0, peak_memory_bytes=3000)
    assert statuses(judge(baseline, [slow], calibration=KERNEL))["speed"] == "warning"
    assert judge(baseline, [slow], calibration=KERNEL).exit_code == 0
    assert judge(baseline, [slow], Manner(deciding=["speed"]), KERNEL).exit_code == 7
    assert statuses(judge(baseline, [large], calibration=KERNEL))["memory"] == "warning"
    assert judge(baseline, [large], Manner(deciding=["speed"]), KERNEL).exit_code == 0
    assert judge(baseline, [large], Manner(deciding=["memory"]), KERNEL).exit_code == 7
    half = Calibration(kernels_per_second=50, peak_memory_bytes=1500)
    assert statuses(judge(baseline, [slow], calibration=half))["speed"] == "pass"
    assert "speed" not in statuses(judge(baseline, [slow]))


def test_what_is_to_decide_and_was_not_measured_is_never_a_pass() -> None:
    kinds: tuple[Kind, ...] = ("speed", "memory")
    for kind in kinds:
        found = judge(five(), [observed(1)], Manner(deciding=[kind]))
        assert statuses(found)[kind] == "unknown"
        assert found.exit_code == 8


def test_a_ratio_that_is_expected_decides() -> None:
    resources: dict[str, Any] = {"images_per_second": 1000.0, "peak_memory_bytes": 2000}
    baseline = record([observed(0, **resources)], calibration=KERNEL)
    expect = (Expectation(tag="perf/images_per_second", min_ratio=0.95),)
    slow = observed(0, images_per_second=900.0, expect=expect)
    assert judge(baseline, [slow], calibration=KERNEL).exit_code == 7
    assert judge(baseline, [slow]).exit_code == 8
    assert judge(record([observed(0)]), [slow], calibration=KERNEL).exit_code == 8


def test_a_baseline_is_of_runs_that_differ_in_their_seed_alone() -> None:
    with pytest.raises(NotComparable, match=r"differ in machine \(threads\)"):
        record([observed(0), observed(1, environment=ELSEWHERE)])
    with pytest.raises(NotComparable, match=r"differ in data \(digest\)"):
        record([observed(0), observed(1, data={**DATA, "digest": "e"})])
    with pytest.raises(NotComparable, match="are both of seed 0"):
        record([observed(0), observed(0)])
    with pytest.raises(NotComparable, match="loss/val of x/y/s0 is not finite everywhere"):
        record([observed(0, {"loss/val": (1.0, float("nan"))})])


def test_what_is_judged_by_is_there() -> None:
    with pytest.raises(UsageError, match="did you mean accuracy/val"):
        record([observed(0)], [("accuracy/vall", None)])
    with pytest.raises(UsageError, match="has no point at step 9; it begins 1, 2, 3"):
        record([observed(0)], [("accuracy/val", 9)])
    only = replace(observed(0), curves={"thing": curve([1.0])})
    with pytest.raises(NotComparable, match="no series to judge by"):
        record([only])
    assert record([only], [("thing", 1)]).judged[0].goal is None


def test_a_metric_can_be_judged_at_a_step() -> None:
    baseline = record([observed(seed) for seed in SEEDS], [("accuracy/val", 2)])
    run = observed(0, {"accuracy/val": (0.2, 0.1, 0.6)}, environment=ELSEWHERE)
    found = of(judge(baseline, [run]), "accuracy/val@2")
    assert (found.status, found.before) == ("fail", pytest.approx(0.4))
