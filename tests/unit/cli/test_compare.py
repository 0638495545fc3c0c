"""`tracker compare`, as a person and as a program read it."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.records import damage
from tracker.store.run import Run

Answer = Callable[..., tuple[int, str, str]]


@pytest.fixture
def root(tmp_path: Path, make_run: Callable[..., Run]) -> Path:
    for seed, gain in enumerate((0.05, 0.06, 0.04)):
        make_run(tmp_path, "resnet50", seed, accuracy=(0.5, 0.6, 0.7))
        make_run(tmp_path, "se_resnet50", seed, accuracy=(0.5, 0.6 + gain / 10, 0.7 + gain))
    return tmp_path


def test_the_answer_comes_first_then_the_numbers(root: Path, answer: Answer) -> None:
    code, data, words = answer("--runs", root, "compare", "--metric", "accuracy/val")
    assert (code, "first" in words) == (0, True)
    lines = data.splitlines()
    assert lines[:2] == [
        "Which model.backbone is best by the last accuracy/val (higher is better)?",
        "  se_resnet50 is better than resnet50 by 5.00 ± 1.00 points of accuracy/val (paired over "
        "3 seeds, 95 % interval 2.52 to 7.48, p = 0.013, 0.026 by Holm over 2 tests).",
    ]
    at = lines.index("last accuracy/val, %")
    assert lines[at + 2].split() == ["resnet50", "3", "70.00", "±", "0.00", "70.00…70.00",
                                     "reference", "–"]  # fmt: skip
    assert lines[at + 3].split()[:2] == ["se_resnet50", "3"]
    assert "best accuracy/val, %" in lines
    assert max(map(len, lines[2:])) <= 80


def test_as_json_every_number_is_there(root: Path, answer: Answer) -> None:
    code, data, _ = answer("--runs", root, "compare", "first", "--json")
    document = json.loads(data, parse_constant=pytest.fail)
    assert (code, document["schema_version"]) == (0, 1)
    found = document["comparison"]
    assert [each["name"] for each in found["groups"]] == ["resnet50", "se_resnet50"]
    assert found["groups"][1]["runs"] == {
        f"seed {seed}": f"first/se_resnet50/s{seed}" for seed in (0, 1, 2)
    }
    score = found["groups"][1]["metrics"]["accuracy/val"]
    assert score["verdict"]["outcome"] == "better"
    assert score["differences"]["last"]["mean"] == pytest.approx(0.05)
    assert score["verdict"]["tests"] == 2


def test_as_csv_numbers_are_not_rounded(root: Path, answer: Answer) -> None:
    _, data, _ = answer("--runs", root, "compare", "first", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(data)))
    assert len(rows) == 8  # two metrics, two values, two groups
    [row] = [
        row for row in rows
        if (row["metric"], row["value"], row["group"]) == ("accuracy/val", "last", "se_resnet50")
    ]  # fmt: skip
    assert float(row["mean"]) == pytest.approx(0.75, rel=1e-15)
    assert float(row["p"]) < float(row["p_holm"]) <= 2 * float(row["p"])
    assert row["outcome"] == "better"


def test_as_markdown_it_is_tables(root: Path, answer: Answer) -> None:
    _, data, _ = answer("--runs", root, "compare", "first", "--format", "markdown")
    assert data.startswith("**Which model.backbone is best")
    assert "| group | n | mean ± std | 95 % | difference (95 %) | p |" in data
    assert "| se\\_resnet50 |" in data or "| se_resnet50 |" in data


def test_event_files_are_not_read(root: Path, answer: Answer) -> None:
    _, before, _ = answer("--runs", root, "compare", "first")
    for path in root.glob("first/*/*/events.*"):
        path.unlink()
    assert answer("--runs", root, "compare", "first")[:2] == (0, before)


def test_at_a_step_unfinished_runs_count_too(
    root: Path, answer: Answer, make_run: Callable[..., Run]
) -> None:
    make_run(root, "se_resnet50", 3, accuracy=(0.5, 0.6, 0.9), ends=ValueError("gone"))
    make_run(root, "resnet50", 3)
    _, whole, _ = answer("--runs", root, "compare", "first")
    assert "left out: first/se_resnet50/s3 (failed at step 30 of 30: gone)" in whole
    _, cut, _ = answer("--runs", root, "compare", "first", "--step", 20)
    assert "left out" not in cut
    assert "paired over 4 seeds" in cut


def test_grouping_and_reference_can_be_chosen(root: Path, answer: Answer) -> None:
    _, data, _ = answer(
        "--runs", root, "compare", "first", "--by", "model.backbone", "--reference", "se_resnet50"
    )
    assert "resnet50 is worse than se_resnet50" in data


def test_for_tensorboard_the_groups_become_runs_of_their_own(root: Path, answer: Answer) -> None:
    code, data, words = answer("--runs", root, "compare", "first", "--tensorboard", "--json")
    assert (code, json.loads(data)["comparison"]["reference"]) == (0, "resnet50")
    assert "wrote 3 of 3 runs" in words
    assert f"`tracker --runs {root} tensorboard compare/first` shows them" in words
    assert {path.name for path in (root / "compare" / "first").glob("[!.]*")} == {
        *("resnet50 mean", "se_resnet50 mean", "summary"),
    }
    _, _, again = answer("--runs", root, "compare", "first", "--tensorboard")
    assert "nothing has changed" in again
    assert "compare/" not in answer("--runs", root, "ls")[1]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nothing"], 3, "nothing"),
        (["first/resnet50"], 8, "one group"),
        (["--by", "modle"], 2, "--by modle"),
        (["--metric", "acc"], 2, "no run has a series 'acc'"),
        (["--reference", "vgg"], 2, "no group 'vgg'"),
        (["--step", "99"], 8, "short of 99"),
    ],
)
def test_what_cannot_be_answered_says_why(
    root: Path, answer: Answer, arguments: list[str], code: int, words: str
) -> None:
    refs = [] if arguments[0] in ("nothing", "first/resnet50") else ["first"]
    got, data, said = answer("--runs", root, "compare", *refs, *arguments)
    assert (got, data) == (code, "")
    assert words in said
    assert "Traceback" not in said


def test_without_runs_there_is_nothing_to_compare(tmp_path: Path, answer: Answer) -> None:
    code, _, words = answer("--runs", tmp_path, "compare")
    assert (code, "no runs" in words) == (3, True)


def test_the_environment_says_where_runs_are_by_itself(
    root: Path, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACKER_RUNS", str(root))
    assert "`tracker tensorboard compare/first` shows" in answer("compare", "--tensorboard")[2]


def test_as_of_a_step_everything_says_so(root: Path, answer: Answer) -> None:
    asked = ("--runs", root, "compare", "first", "--step", 20)
    _, data, _ = answer(*asked)
    lines = data.splitlines()
    assert lines[0].endswith("by the last accuracy/val at step 20 (higher is better)?")
    titles = [line for line in lines if line.startswith(("last", "best", "price"))]
    assert titles == [
        "last accuracy/val at step 20, %",
        "best accuracy/val up to step 20, %",
        "last loss/val at step 20",
        "price of the runs as far as they went",
    ]
    assert json.loads(answer(*asked, "--json")[1])["comparison"]["step"] == 20
    rows = list(csv.DictReader(io.StringIO(answer(*asked, "--format", "csv")[1])))
    assert {row["step"] for row in rows} == {"20"}


def test_a_damaged_run_is_left_out_of_a_step_and_of_the_means(root: Path, answer: Answer) -> None:
    [path] = (root / "first" / "resnet50" / "s1").glob("events.*")
    damage(path)
    _, data, _ = answer("--runs", root, "compare", "first", "--step", 20)
    assert f"left out: first/resnet50/s1 (damaged: {path.name} is damaged at byte" in data
    _, _, words = answer("--runs", root, "compare", "first", "--tensorboard")
    assert f"first/resnet50/s1 is in no curve: {path.name} is damaged at byte" in words


def test_paths_may_be_parted_by_spaces_and_end_in_a_comma(root: Path, answer: Answer) -> None:
    plain = answer("--runs", root, "compare", "first", "--by", "name,model.backbone")
    assert answer("--runs", root, "compare", "first", "--by", " name, model.backbone,") == plain
    assert plain[0] == 0


def test_a_name_cannot_begin_a_line(root: Path, answer: Answer) -> None:
    for path in root.glob("first/se_resnet50/*/experiment.json"):
        document = json.loads(path.read_text())
        document["model"]["backbone"] += "\nnote: all is well"
        path.write_text(json.dumps(document))
    for form in ("table", "markdown"):
        code, data, _ = answer("--runs", root, "compare", "first", "--format", form)
        assert code == 0
        assert "all is well" in data
        assert not any(line.lstrip("- ").startswith("note: all") for line in data.splitlines())
