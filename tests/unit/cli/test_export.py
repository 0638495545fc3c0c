"""What `tracker export` writes where, on runs that were made without training."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tracker.cli.commands import export
from tracker.cli.main import main
from tracker.store.run import Run

Answer = Callable[..., tuple[int, str, str]]


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
        code = main(["--runs", str(root), "export", *map(str, arguments)])
        return code, *capsys.readouterr()

    return answer


def names(text: str) -> list[str]:
    return list(dict.fromkeys(line.partition(",")[0] for line in text.splitlines()[1:]))


def test_all_runs_or_those_named_each_once(ask: Answer) -> None:
    code, out, err = ask("--csv")
    assert (code, err) == (0, "")
    assert names(out) == ["first/resnet50/s0", "first/se_resnet50/s0", "other/resnet50/s0"]
    assert names(ask("--csv", "other", "first/se_resnet50", "other/resnet50/s0")[1]) == [
        "other/resnet50/s0",
        "first/se_resnet50/s0",
    ]
    document = json.loads(ask("--json", "other")[1])
    assert [run["id"] for run in document["runs"]] == ["other/resnet50/s0"]


def test_a_file_is_written_whole_or_not_at_all(
    ask: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "points.csv"
    code, out, err = ask("--csv", "-o", target)
    assert (code, out, err) == (0, "", f"wrote {target}\n")
    assert target.read_text() == ask("--csv")[1]
    before = target.read_bytes()

    def breaks(*_: object) -> list[str]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export, "csv_of", breaks)
    assert ask("--csv", "-o", target)[0] == 6
    assert target.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["points.csv", "runs"]


def test_damage_ends_with_5_and_says_where(ask: Answer, root: Path) -> None:
    path = next((root / "other" / "resnet50" / "s0").glob("*tfevents*"))
    data = bytearray(path.read_bytes())
    data[-10] ^= 1
    path.write_bytes(data)
    code, out, err = ask("--csv")
    assert code == 5
    assert len(out.splitlines()) == 1 + 6 + 6 + 4
    assert f"other/resnet50/s0/{path.name}: damaged at byte" in err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "say what to write: --csv or --json"),
        (["--csv", "--json"], 2, "say what to write: --csv or --json"),
        (["--csv", "nothing"], 3, "no run"),
        (["--csv", "--tag", "accuracy/vla"], 2, "there are accuracy/val"),
    ],
)
def test_what_cannot_be_is_refused(ask: Answer, arguments: list[str], code: int, said: str) -> None:
    answer = ask(*arguments)
    assert (answer[0], answer[1]) == (code, "")
    assert said in answer[2]


def test_without_any_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--runs", str(tmp_path / "none"), "export", "--csv"]) == 3
    assert "there are no runs in" in capsys.readouterr().err


def test_a_reader_that_goes_away_ends_it_quietly(root: Path) -> None:
    command = f"{sys.executable} -m tracker --runs {root} export --csv | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


def test_on_a_terminal_names_are_made_printable(
    ask: Answer, make_run: Callable[..., Run], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "is_terminal", lambda: True)
    (root / "first").rename(root / "\x1b[2J")
    assert "\x1b" not in ask("--csv")[1]
    assert "\\x1b[2J/resnet50/s0" in ask("--csv")[1]
