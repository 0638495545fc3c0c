"""`tracker baseline` and `tracker check` on runs that were made without training."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tracker.store.run import Run

Answer = Callable[..., tuple[int, str, str]]


@pytest.fixture
def root(tmp_path: Path, make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make five runs of the same kind, and a worse one of a sixth seed."""
    monkeypatch.chdir(tmp_path)
    for seed in range(5):
        make_run(tmp_path / "runs", seed=seed, accuracy=(0.5, 0.8, 0.9 + seed / 500))
    make_run(tmp_path / "runs", seed=5, accuracy=(0.5, 0.8, 0.6), name="worse")
    return tmp_path


def test_runs_are_recorded_and_met(root: Path, answer: Answer) -> None:
    code, out, err = answer("baseline", "first/resnet50", "-o", "b.json")
    assert code == 0
    assert out.splitlines() == [
        "metric        goal    mean     std  seeds",
        "accuracy/val  max   0.9040  0.0032      5",
        "loss/val      min   0.0960  0.0032      5",
    ]
    assert "written to b.json" in err
    code, out, err = answer("check", "first/resnet50/s0", "--baseline", "b.json")
    assert code == 0
    assert "judged statistical: it is not known of both which machine they had" in out
    assert err == "\nfirst/resnet50/s0 matches its baseline within its tolerances\n"


def test_what_is_worse_fails_with_its_reports_and_its_curves(root: Path, answer: Answer) -> None:
    answer("baseline", "first/resnet50", "-o", "b.json")
    code, out, err = answer(
        "check", "worse", "--baseline", "b.json", "--junit", "j.xml", "--markdown", "m.md"
    )
    assert code == 7
    row = next(line for line in out.splitlines() if line.startswith("loss/val"))
    assert row.split()[:5] == ["loss/val", "fail", "0.096", "0.4", "+0.304"]
    assert "step 30" in row
    assert "fail: loss/val: worse than chance explains" in out
    assert "worse/resnet50/s5 failed: loss/val" in err
    assert "tensorboard --logdir 'runs/check/worse resnet50 s5'" in err
    assert ElementTree.parse("j.xml").getroot().get("failures") == "1"
    assert Path("m.md").read_text().startswith("### ❌ worse/resnet50/s5 failed")
    assert len(list(Path("runs/check/worse resnet50 s5").glob("*/events*"))) == 2
    assert answer("ls")[1].count("resnet50") == 6, "the curves are no runs"


def test_where_nothing_can_be_written_the_verdict_stands(root: Path, answer: Answer) -> None:
    answer("baseline", "first/resnet50", "-o", "b.json")
    Path("runs/check").write_text("in the way")
    code, _, err = answer("check", "worse", "--baseline", "b.json")
    assert code == 7
    assert "no curves for TensorBoard: " in err


def test_json_says_all_of_it(root: Path, answer: Answer) -> None:
    answer("baseline", "first/resnet50", "-o", "b.json")
    code, out, _ = answer("check", "worse", "--baseline", "b.json", "--json")
    document = json.loads(out)
    assert document["exit_code"] == code == 7
    found = next(one for one in document["verdicts"] if one["metric"] == "loss/val")
    assert found["change"] == pytest.approx(0.304)
    assert found["p"] < 1e-4


def test_bits_can_be_asked_for(root: Path, answer: Answer) -> None:
    answer("baseline", "first/resnet50", "-o", "b.json")
    code, out, _ = answer("check", "first/resnet50/s1", "--baseline", "b.json", "--mode", "exact")
    assert code == 0
    assert "bit" in out
    assert answer("check", "worse", "--baseline", "b.json", "--mode", "exact")[0] == 8


def test_one_run_has_no_spread(root: Path, answer: Answer) -> None:
    _, _, err = answer("baseline", "first/resnet50/s0", "-o", "b.json")
    assert "It is of one seed, so no spread is known" in err
    code, out, _ = answer("check", "worse", "--baseline", "b.json")
    assert code == 8
    assert "unknown: accuracy/val: one seed was recorded" in out


def test_a_baseline_is_replaced_when_told_to_and_shows_the_difference(
    root: Path, answer: Answer
) -> None:
    answer("baseline", "first/resnet50", "-o", "b.json", "--metric", "accuracy/val@20")
    before = Path("b.json").read_bytes()
    code, _, err = answer("baseline", "worse", "-o", "b.json")
    assert (code, Path("b.json").read_bytes()) == (4, before)
    assert "b.json is there already; --update replaces it" in err
    code, out, _ = answer("baseline", "worse", "-o", "b.json", "--update")
    assert code == 0
    assert out.splitlines()[0].startswith("metric ")
    assert [line.split()[0] for line in out.splitlines()].count("accuracy/val@20") == 2
    assert Path("b.json").read_bytes() != before


def test_an_edit_is_refused_taken_and_sealed(root: Path, answer: Answer) -> None:
    answer("baseline", "first/resnet50", "-o", "b.json")
    edited = Path("b.json").read_text().replace('"step": null', '"step": 20')
    Path("b.json").write_text(edited)
    arguments = ("check", "first/resnet50/s0", "--baseline", "b.json")
    code, _, err = answer(*arguments)
    assert code == 5
    assert "its checksum does not fit" in err
    assert "accuracy/val@20" in answer(*arguments, "--accept")[1]
    assert answer("baseline", "-o", "b.json", "--accept")[0] == 0
    assert answer(*arguments)[0] == 0


def test_nothing_to_judge_by_is_no_pass_and_reported(root: Path, answer: Answer) -> None:
    answer("baseline", "first/resnet50", "-o", "b.json")
    document = json.loads(Path("b.json").read_text())
    Path("b.json").write_text(json.dumps({**document, "metrics": []}))
    arguments = ("check", "first/resnet50/s0", "--baseline", "b.json", "--accept")
    code, out, _ = answer(*arguments, "--junit", "j.xml")
    assert code == 8
    assert "there is nothing to judge by" in out
    assert ElementTree.parse("j.xml").getroot().get("errors") == "1"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["check", "first/resnet50/s0"], 2, "Missing option '--baseline'"),
        (["check", "--baseline", "b.json"], 2, "name a SPEC or a RUN"),
        (["check", "first/resnet50/s0", "--baseline", "no.json"], 5, "no.json is missing"),
        (["check", "nothing", "--baseline", "b.json"], 3, "no run in runs fits"),
        (["check", "first", "--baseline", "b.json", "--keep"], 2, "are for one SPEC"),
        (["check", "first", "--baseline", "b.json", "--false-alarms", "0"], 2, "--false-alarms"),
        (["check", "first", "--baseline", "b.json", "--junit", "no/j.xml"], 6, "no folder no to"),
        (["check", "first", "--baseline", "b.json", "--markdown", "no/m"], 6, "no folder no to"),
        (["baseline", "-o", "new.json"], 2, "name a SPEC or a RUN"),
        (["baseline", "first", "-o", "no/new.json"], 6, "no folder no to write new.json into"),
        (["baseline", "first", "-o", "new.json", "--metric", "acuracy/val"], 2, "did you mean"),
        (["baseline", "first", "worse", "-o", "new.json", "--metric", ""], 2, "--metric"),
    ],
)
def test_what_is_asked_wrongly(
    root: Path, answer: Answer, arguments: list[str], code: int, words: str
) -> None:
    answer("baseline", "first/resnet50", "-o", "b.json")
    found, _, err = answer(*arguments)
    assert (found, words in err) == (code, True), err


def test_a_spec_of_several_variants_is_for_no_baseline(root: Path, answer: Answer) -> None:
    spec = {"name": "a", "matrix": {"optimizer.lr": [0.1, 0.2]}}
    Path("a.json").write_text(json.dumps(spec))
    code, _, err = answer("baseline", "a.json", "-o", "new.json")
    assert code == 2
    assert "asks for 2 variants, and a baseline is of one" in err
