"""What is made of a check for others to read: JUnit, TensorBoard, Markdown, the table."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.observed import curve, observed
from tracker.cli.verdicts import markdown, reasons, sparklines, text
from tracker.events.reader import read_scalars
from tracker.reading.gate.baseline import record
from tracker.reading.gate.judge import judge
from tracker.reading.gate.junit import junit
from tracker.reading.gate.observed import Environment
from tracker.reading.gate.overlay import write_overlay
from tracker.reading.gate.verdict import Check, nothing


@pytest.fixture
def failed() -> Check:
    run = observed(0, {"loss/train": (2.0, 1.75, 1.0), "optim/lr": (0.1, 0.2, 0.3)})
    return judge(record([observed(0)]), [run])


def test_junit_has_a_case_per_verdict(failed: Check) -> None:
    suite = ElementTree.fromstring(junit(failed))
    assert suite.attrib == {
        "name": "tracker check x/y/s0",
        "tests": "5",
        "failures": "2",
        "errors": "0",
    }
    bad = {case.get("name"): case.find("failure") for case in suite}
    found = bad["loss/train"]
    assert found is not None
    assert found.get("message") == "seed 0, step 2: 1.5 became 1.75"
    assert bad["accuracy/val"] is None


def test_junit_of_what_could_not_be_compared_is_an_error_and_stays_xml() -> None:
    suite = ElementTree.fromstring(junit(nothing("a\x1b<b>", "it failed: \x00 & so on")))
    assert suite.get("errors") == "1"
    assert suite.get("name") == r"tracker check a\x1b<b>"


def test_junit_tells_no_numbers_where_there_are_none() -> None:
    assert "None" not in junit(nothing("a", "it failed"))
    run = observed(0, environment=Environment())
    page = junit(judge(record([observed(0)]), [run]))
    assert "None" not in page
    assert "one seed was recorded" in page


def test_tensorboard_shows_both_and_what_was_there_before_is_gone(
    failed: Check, tmp_path: Path
) -> None:
    for _ in range(2):
        folder = write_overlay(tmp_path, failed)
    assert folder == tmp_path / "check" / "x y s0"
    then, now = (read_scalars(folder / name).series for name in ("baseline", "now"))
    assert then["loss/train"].values.tolist() == [2.0, 1.5, 1.0]
    assert now["loss/train"].values.tolist() == [2.0, 1.75, 1.0]
    assert now.keys() == then.keys()


def test_the_reasons_name_the_first_to_differ(failed: Check) -> None:
    lines = reasons(failed)
    assert lines[0] == "judged exact: same machine, versions and seed"
    assert "fail: loss/train: seed 0, step 2: 1.5 became 1.75" in lines
    assert lines[-1] == "first to differ, at step 2: loss/train"


def test_markdown_is_a_table_that_no_name_breaks() -> None:
    check = judge(record([observed(0, {"a|b/acc": (1.0,)})]), [observed(0, {"a|b/acc": (2.0,)})])
    page = markdown(check)
    assert page.startswith("### ❌ x/y/s0 failed: a\\|b/acc\n")
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert len({line.replace("\\|", "").count("|") for line in rows}) == 1


def test_a_failed_test_s_message_has_all_of_it(failed: Check) -> None:
    lines = text(failed).splitlines()
    assert lines[0] == "x/y/s0 failed: loss/train, optim/lr"
    assert any(line.startswith("optim/lr") and "step 3" in line for line in lines)


def test_two_curves_are_drawn_on_one_scale() -> None:
    low, high = sparklines(curve([0.0, 0.0]), curve([0.0, 8.0]))
    assert set(low) == {"▁"}
    assert high.endswith("█")
    assert len(low) == len(high)
    short, _ = sparklines(curve([1.0, 2.0]), curve([1.0, 2.0, 3.0, 4.0]))
    assert len(short) < 12
    assert sparklines(curve([float("nan")]), curve([float("nan")])) == ("", "")
