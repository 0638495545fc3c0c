"""`tracker report`: which file is written, what for, and what stands in Markdown."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from tracker.reading.comparison.compare import compare
from tracker.reading.comparison.tables import markdown
from tracker.store.index import list_runs
from tracker.store.run import Run

Answer = Callable[..., tuple[int, str, str]]
HOSTILE = "<script>alert(1)</script>`|*[a](javascript:b)\n```\n# c"


@pytest.fixture
def root(tmp_path: Path, make_run: Callable[..., Run]) -> Path:
    root = tmp_path / "runs"
    for name, values in {"resnet50": (0.7, 0.72, 0.69), "se_resnet50": (0.8, 0.83, 0.78)}.items():
        for seed, value in enumerate(values):
            make_run(root, name, seed, accuracy=(0.1, 0.2, value))
    return root


def test_a_page_is_written_whole(root: Path, answer: Answer, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text("an older one")
    code, out, words = answer("--runs", root, "report", "first", "-o", file)
    assert (code, out, words) == (0, "", f"wrote {file}\n")
    text = file.read_text()
    assert text.startswith("<!doctype html>")
    assert text.endswith("</html>\n")
    assert f"<code>tracker --runs {root} report first -o {file}</code>" in text
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".tmp"] == []


def test_markdown_begins_with_the_answer_and_folds_its_origin(
    root: Path, answer: Answer, tmp_path: Path
) -> None:
    file = tmp_path / "report.md"
    assert answer("--runs", root, "report", "first", "-o", file)[0] == 0
    text = file.read_text()
    assert text.startswith(markdown(compare(list_runs(root))))
    assert "| group | model.backbone |\n|---|---|\n| resnet50 | resnet50 |" in text
    assert text.count("<details>") == text.count("</details>") == 1
    assert f"```sh\ntracker --runs {root} report first -o {file}\n```" in text
    assert "![" not in text


def test_strings_of_files_are_text_in_markdown(root: Path, answer: Answer, tmp_path: Path) -> None:
    for path in root.rglob("provenance.json"):
        document = json.loads(path.read_text())
        document.update(python=HOSTILE, command=["tracker", HOSTILE])
        path.write_text(json.dumps(document))
    for path in root.rglob("experiment.json"):
        document = json.loads(path.read_text())
        document["model"]["backbone"] += HOSTILE
        path.write_text(json.dumps(document))
    file = tmp_path / "report.md"
    assert answer("--runs", root, "report", "first", "-o", file)[0] == 0
    outside, inside = [], []  # of blocks of code, which show what they hold as it is
    fence = ""
    for line in file.read_text().splitlines():
        if fence or line.startswith("```"):
            inside.append(line)
            fence = "" if line == fence else fence or line.removesuffix("sh")
        else:
            outside.append(line)
    assert fence == ""
    assert any("alert(1)" in line for line in inside)
    text = "\n".join(outside)
    assert "alert(1)" in text
    assert "<script" not in text
    assert "](" not in text.replace("\\](", "")
    assert not any(line.startswith("#") for line in outside)


def test_the_command_on_it_makes_the_report_again(
    root: Path, answer: Answer, tmp_path: Path
) -> None:
    file = tmp_path / "one.md"
    asked = ["--by", "model.backbone", "--metric", "loss/val", "--value", "best", "--step", "20"]
    code, _, _ = answer(
        *("--runs", root, "report", *asked, "--reference", "se_resnet50", "-o", file)
    )
    assert code == 0
    text = file.read_text()
    line = next(line for line in text.splitlines() if line.startswith("tracker --runs"))
    file.unlink()
    assert answer(*shlex.split(line)[1:])[0] == 0
    assert file.read_text() == text.replace("report --by", "report first --by")


def test_a_single_run_is_reported_and_not_compared(
    root: Path, answer: Answer, tmp_path: Path
) -> None:
    for suffix in ("html", "md"):
        file = tmp_path / f"one.{suffix}"
        assert answer("--runs", root, "report", "first/resnet50/s0", "-o", file)[0] == 0
        assert "nothing is compared" in file.read_text()


def test_another_kind_of_file_is_refused(root: Path, answer: Answer, tmp_path: Path) -> None:
    code, _, words = answer("--runs", root, "report", "first", "-o", tmp_path / "report.pdf")
    assert (code, "name a file that ends in .html or .md" in words) == (2, True)
    assert not (tmp_path / "report.pdf").exists()


def test_groups_that_cannot_be_compared_are_not_reported(
    root: Path, answer: Answer, tmp_path: Path
) -> None:
    for path in root.glob("first/se_resnet50/*/summary.json"):
        document = json.loads(path.read_text())
        document["data"]["name"] = "other"
        path.write_text(json.dumps(document))
    code, _, words = answer("--runs", root, "report", "first", "-o", tmp_path / "report.html")
    assert (code, "scored on different data" in words) == (8, True)
    assert not (tmp_path / "report.html").exists()


def test_a_folder_that_is_not_there_is_told(root: Path, answer: Answer, tmp_path: Path) -> None:
    code, _, words = answer("--runs", root, "report", "first", "-o", tmp_path / "no" / "a.md")
    assert (code, "cannot write" in words) == (6, True)
