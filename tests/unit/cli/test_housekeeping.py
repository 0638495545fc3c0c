"""What rm, restore and gc say and ask, on runs that were made without training."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tracker.cli.commands import rm
from tracker.cli.main import main
from tracker.store.files import write_json
from tracker.store.index import find_all
from tracker.store.manifest import Entry, Manifest
from tracker.store.run import Run

Answer = Callable[..., tuple[int, str, str]]
FIRST, SECOND, OTHER = "first/resnet50/s0", "first/se_resnet50/s0", "other/resnet50/s0"


@pytest.fixture
def root(tmp_path: Path, make_run: Callable[..., Run]) -> Path:
    root = tmp_path / "runs"
    make_run(root, "resnet50")
    make_run(root, "se_resnet50")
    make_run(root, "resnet50", name="other")
    return root


@pytest.fixture
def ask(root: Path, capsys: pytest.CaptureFixture[str]) -> Answer:
    def answer(*arguments: object) -> tuple[int, str, str]:
        code = main(["--runs", str(root), *map(str, arguments)])
        return code, *capsys.readouterr()

    return answer


def listed(ask: Answer) -> list[str]:
    return [run["id"] for run in json.loads(ask("ls", "--json")[1])["runs"]]


def test_a_run_goes_and_comes_back(root: Path, ask: Answer) -> None:
    ours = f"tracker --runs {root}"
    assert ask("rm", "se_resnet50") == (
        0,
        f"{SECOND}\n",
        f"in the trash: `{ours} restore {SECOND}` brings back, `{ours} gc` deletes\n",
    )
    assert listed(ask) == [FIRST, OTHER]
    code, data, _ = ask("restore", "--list")
    titles, row = (line.split() for line in data.splitlines())
    assert (code, titles) == (0, ["run", "state", "removed", "size"])
    assert row[:2] == [SECOND, "finished"]
    assert ask("restore", SECOND) == (0, f"{SECOND}\n", "")
    assert listed(ask) == [FIRST, SECOND, OTHER]


def test_several_go_and_an_experiment_comes_back(ask: Answer) -> None:
    assert ask("rm", FIRST, SECOND)[0] == 0
    assert listed(ask) == [OTHER]
    code, data, _ = ask("restore", "first", "--json")
    assert code == 0
    assert set(json.loads(data)["restored"]) == {FIRST, SECOND}


def test_an_experiment_is_not_removed_unasked(ask: Answer) -> None:
    code, data, words = ask("rm", "first")
    assert (code, data) == (2, "")
    assert FIRST in words
    assert SECOND in words
    assert "--yes" in words
    assert len(listed(ask)) == 3
    assert ask("rm", "first", "--yes")[:2] == (0, f"{FIRST}\n{SECOND}\n")
    assert listed(ask) == [OTHER]


@pytest.mark.parametrize(("reply", "left"), [(True, [OTHER]), (False, [FIRST, SECOND, OTHER])])
def test_a_person_is_asked(
    ask: Answer, monkeypatch: pytest.MonkeyPatch, reply: bool, left: list[str]
) -> None:
    asked: list[str] = []

    def confirm(question: str, *, err: bool) -> bool:
        asked.append(question)
        return reply

    monkeypatch.setattr(rm, "can_ask", lambda: True)
    monkeypatch.setattr("click.confirm", confirm)
    code, _, words = ask("rm", "first")
    assert (code, asked) == (0, ["Move all of these to the trash?"])
    assert FIRST in words
    assert ("nothing was removed" in words) == (not reply)
    assert listed(ask) == left


def test_nothing_goes_if_one_is_wrong(ask: Answer) -> None:
    assert ask("rm", FIRST, "nothing")[0] == 3
    assert len(listed(ask)) == 3


def test_restore_wants_names_or_a_list(ask: Answer) -> None:
    for arguments in (["restore"], ["restore", "x", "--list"]):
        code, _, words = ask(*arguments)
        assert code == 2
        assert "--list" in words
    assert ask("restore", "--list")[1:] == ("", f"the trash of {ask_root(ask)} is empty\n")
    assert json.loads(ask("restore", "--list", "--json")[1])["runs"] == []
    assert ask("restore", "x")[0] == 3


def ask_root(ask: Answer) -> str:
    return str(Path(json.loads(ask("ls", "--json")[1])["runs"][0]["path"]).parents[2])


def test_restore_does_not_overwrite(root: Path, ask: Answer, make_run: Callable[..., Run]) -> None:
    ask("rm", OTHER)
    make_run(root, "resnet50", name="other")
    code, data, words = ask("restore", OTHER)
    assert (code, data) == (4, "")
    assert "exists (finished)" in words


def test_gc_deletes_what_is_old(root: Path, ask: Answer) -> None:
    assert ask("gc") == (0, "", "nothing to delete\n")
    ask("rm", OTHER)
    assert ask("gc") == (0, "", "nothing to delete\n")
    code, data, words = ask("gc", "--older-than", 0, "--dry-run")
    assert code == 0
    assert "removed runs" in data
    assert words.startswith("would free ")
    code, data, _ = ask("gc", "--older-than", 0, "--json")
    document = json.loads(data)
    assert (code, document["dry_run"]) == (0, False)
    assert [one["kind"] for one in document["garbage"]] == ["removed runs"]
    assert document["bytes"] > 1000
    assert ask("restore", OTHER)[0] == 3
    assert listed(ask) == [FIRST, SECOND]


@pytest.mark.parametrize("days", ["-1", "1.5", "x"])
def test_gc_wants_a_number_of_days(ask: Answer, days: str) -> None:
    assert ask("gc", f"--older-than={days}")[0] == 2


def test_doctor_finds_a_good_place_good(ask: Answer) -> None:
    code, data, words = ask("doctor", "--json")
    found = {one["subject"]: one for one in json.loads(data)["findings"]}
    assert found["runs"]["words"] == "3 finished"
    assert {"packages", "disk", "files", "folder", "locks", "clock"} <= found.keys()
    problems = [one for one in found.values() if one["level"] == "problem"]
    assert code == max((one["exit_code"] for one in problems), default=0)
    assert words.startswith(f"{len(problems)} problem")


def save(run: Run) -> None:
    """Leave what a checkpoint leaves."""
    entry = Entry("step-00000030.pt", 30, hashlib.sha256(b"weights").hexdigest())
    run.checkpoints.mkdir()
    (run.checkpoints / entry.file).write_bytes(b"weights")
    run.last_checkpoint.symlink_to(entry.file)
    write_json(run.manifest_file, Manifest((entry,)).to_document())


def test_doctor_holds_a_run_to_its_files(root: Path, ask: Answer) -> None:
    for run in find_all(root, "first"):
        save(run)
    code, data, words = ask("doctor", "first")
    assert (code, words) == (0, "0 problems, 0 warnings\n")
    assert {line.split()[0] for line in data.splitlines()[1:]} == {"ok"}
    Run(root / FIRST).summary_file.write_text("{")
    code, data, words = ask("doctor", FIRST)
    assert (code, words) == (5, "1 problem, 0 warnings\n")
    [line] = [line for line in data.splitlines() if line.startswith("problem")]
    assert f"{FIRST}/summary.json" in line
    assert ask("doctor")[0] in (5, 6)
    assert ask("doctor", "nothing")[0] == 3


def test_doctor_of_a_place_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["--runs", str(tmp_path / "none"), "doctor"]) in (0, 6)
    assert not (tmp_path / "none").exists()
    assert main(["--runs", str(tmp_path / "file" / "none"), "doctor"]) == 6
