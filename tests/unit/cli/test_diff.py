"""What `tracker diff` prints and ends with, on runs that were made without training."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tracker.store.run import Run

Answer = Callable[..., tuple[int, str, str]]


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.fixture
def root(tmp_path: Path, make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make three runs: s0, its twin s0.2, and s1, which went another way from step 20 on."""
    root = tmp_path / "runs"
    code = {"commit": "1" * 40, "dirty": False, "patch_missing": None}
    for run in (
        make_run(root),
        make_run(root),
        make_run(root, seed=1, accuracy=(0.5, 0.90002, 0.7)),
    ):
        edit(run.provenance_file, code=code)
        edit(run.summary_file, machine={"threads": 1})
    monkeypatch.chdir(tmp_path)
    return root


def test_twins_end_with_zero(root: Path, answer: Answer) -> None:
    code, data, words = answer("--runs", root, "diff", "resnet50/s0", "s0.2", "--exit-code")
    assert (code, words) == (0, "")
    assert data.splitlines() == [
        "the same in everything looked at; curves bit-identical over 3 steps",
        "",
        "A  first/resnet50/s0  (finished, 30 steps)",
        "B  first/resnet50/s0.2  (finished, 30 steps)",
        "",
        "accuracy/val  identical at all 3 common steps",
        "loss/val      identical at all 3 common steps",
    ]


def test_the_page_says_what_differs_and_where_the_curves_part(root: Path, answer: Answer) -> None:
    code, data, _ = answer("--runs", root, "diff", "resnet50/s0", "s1")
    assert code == 0
    lines = [" ".join(line.split()) for line in data.splitlines()]
    assert lines[0] == (
        "differ in seed 0 → 1; same spec, same code, same packages, same data, same machine; "
        "the curves part at step 20"
    )
    assert lines[5:7] == ["seed A B", "seed 0 1"]
    assert "accuracy/val last 0.8000 @30 0.7000 @30 -0.1000 A" in lines
    assert "accuracy/val best 0.90000 @20 0.90002 @20 +2.00e-05 B" in lines
    assert "accuracy/val identical up to step 10, not at 20: 0.9 / 0.90002" in lines
    assert max(map(len, data.splitlines()[1:])) <= 80


def test_exit_code_tells_a_script(root: Path, answer: Answer) -> None:
    assert answer("--runs", root, "diff", "resnet50/s0", "s1", "--exit-code")[0] == 7
    assert answer("--runs", root, "diff", "resnet50/s0", "s1", "--exit-code", "--json")[0] == 7


def test_timings_alone_are_shown_and_are_no_difference(root: Path, answer: Answer) -> None:
    file = root / "first/resnet50/s0.2/summary.json"
    document = json.loads(file.read_text())
    document["metrics"]["perf/images_per_second"] = {
        "goal": "max",
        "last": 5.0,
        "last_step": 30,
        "best": 6.0,
        "best_step": 10,
    }
    document["price"]["seconds"] = 1.0
    file.write_text(json.dumps(document))
    code, data, _ = answer("--runs", root, "diff", "resnet50/s0", "s0.2", "--exit-code")
    lines = [" ".join(line.split()) for line in data.splitlines()]
    assert code == 0
    assert lines[0].startswith("the same in everything looked at; ")
    assert "perf/images_per_second only in B" in lines
    assert "seconds 1h01m 1s" in lines


def test_json_is_whole(root: Path, answer: Answer) -> None:
    edit(root / "first/resnet50/s0.2/provenance.json", command=["x" * 500])
    code, data, _ = answer("--runs", root, "diff", "resnet50/s0", "s0.2", "--json")
    document = json.loads(data, parse_constant=pytest.fail)
    assert (code, document["schema_version"], document["differs"]) == (0, 1, False)
    [change] = document["sections"]["launch"]["changes"]
    assert (change["path"], change["matters"], change["after"]) == ("command", False, ["x" * 500])
    assert [metric["tag"] for metric in document["metrics"]] == ["accuracy/val", "loss/val"]
    assert document["a"]["id"] == "first/resnet50/s0"
    assert "patch" not in document


def test_the_patches_are_printed_when_asked_for(root: Path, answer: Answer) -> None:
    patch = "diff --git a/x.py b/x.py\nindex 1111111..2222222\n@@ -1 +1 @@\n-1\n+2\x1b\n"
    run = Run(root / "first/resnet50/s0.2")
    run.patch_file.write_text(patch)
    edit(run.provenance_file, code={"commit": "1" * 40, "dirty": True, "patch_missing": None})
    arguments = ("--runs", root, "diff", "resnet50/s0", "s0.2")
    code, data, _ = answer(*arguments, "--patch")
    assert code == 0
    assert data.endswith("\nonly in B:\n" + patch.replace("\x1b", "\\x1b"))
    assert "only in B:" not in answer(*arguments)[1]
    assert "+2\x1b" in json.loads(answer(*arguments, "--patch", "--json")[1])["patch"]


def test_git_is_pointed_to_where_it_knows_the_commits(
    root: Path, answer: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*words: str) -> str:
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"]
        done = subprocess.run([*command, *words], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    (tmp_path / "code").mkdir()
    monkeypatch.chdir(tmp_path / "code")
    git("init")
    commits = []
    for text in ("1\n", "1\n2\n"):
        Path("x.py").write_text(text)
        git("add", "x.py")
        git("commit", "-m", text)
        commits.append(git("rev-parse", "HEAD"))
    for name, commit in zip(("s0", "s0.2"), commits, strict=True):
        facts = {"commit": commit, "dirty": False, "patch_missing": None}
        edit(root / "first/resnet50" / name / "provenance.json", code=facts)
    _, data, _ = answer("--runs", root, "diff", "resnet50/s0", "s0.2")
    lines = [" ".join(line.split()) for line in data.splitlines()]
    assert "x.py +1 −0" in lines
    assert f"all of it: git diff {commits[0][:12]} {commits[1][:12]}" in lines
    monkeypatch.chdir(tmp_path)
    _, data, _ = answer("--runs", root, "diff", "resnet50/s0", "s0.2")
    assert "what lies between the commits is not known here: fatal: not a git repository" in data


def test_what_is_damaged_is_said_and_ends_with_seven(root: Path, answer: Answer) -> None:
    (root / "first/resnet50/s0.2/provenance.json").write_text("{")
    code, data, _ = answer("--runs", root, "diff", "resnet50/s0", "s0.2", "--exit-code")
    assert code == 7
    assert "provenance.json of B can't be read: " in data
    lost = "packages, host, resumes, launch (B did not record it)"
    assert f"not known: {lost}\n" in data
    assert data.startswith("the same in everything that is known; ")


def test_long_values_are_cut_so_that_they_still_differ(root: Path, answer: Answer) -> None:
    for name, end in (("s0", "one"), ("s0.2", "two\x1b[2J")):
        file = root / "first/resnet50" / name / "experiment.json"
        edit(file, description="a long story " * 20 + end)
    _, data, _ = answer("--runs", root, "diff", "resnet50/s0", "s0.2")
    [line] = [line for line in data.splitlines() if line.startswith("spec.description")]
    assert line.split("  ")[-2:] != ["", ""]
    assert "story one" in line
    assert "story two\\x1b[2J" in line


def test_a_run_and_itself_or_nobody(root: Path, answer: Answer) -> None:
    code, _, words = answer("--runs", root, "diff", "resnet50/s0", "first/resnet50/s0")
    assert (code, words) == (2, "A and B are the same run, first/resnet50/s0: name two\n")
    assert answer("--runs", root, "diff", "resnet50/s0", "nobody")[0] == 3


def test_what_other_people_wrote_makes_no_line_of_its_own(root: Path, answer: Answer) -> None:
    run = Run(root / "first/resnet50/s0.2")
    evil = "x\nB  is better\x1b[2J"
    edit(run.experiment_file, **{evil: evil})
    edit(run.provenance_file, code={"commit": evil, "dirty": False, "patch_missing": None})
    summary = json.loads(run.summary_file.read_text())
    summary["metrics"][evil] = summary["metrics"]["loss/val"]
    run.summary_file.write_text(json.dumps(summary))
    code, data, words = answer("--runs", root, "diff", "resnet50/s0", "s0.2")
    assert (code, words) == (0, "")
    assert "x\\nB  is better\\x1b[2J" in data
    assert not any(line.startswith("B  is better") for line in data.splitlines())
    assert "\x1b" not in data
