import json
import os
import pkgutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import pytest

from tracker import errors
from tracker.cli import commands
from tracker.cli import main as door
from tracker.cli.main import ALIASES, COMMANDS, load, main
from tracker.store.run import Run

Boom = Callable[[object], None]
Capture = pytest.CaptureFixture[str]

HEAVY = ("torch", "torchvision", "numpy", "tensorboard", "rich", "PIL", "google")


def run(
    arguments: Sequence[str], cwd: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tracker", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, cwd=cwd, env=env, check=False
    )


@pytest.fixture
def boom(monkeypatch: pytest.MonkeyPatch) -> Boom:
    """Make `tracker schema` raise what it is given, or return it."""

    def prepare(outcome: object) -> None:
        @click.command()
        def command() -> object:
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome

        monkeypatch.setattr(
            door, "load", lambda target: command if "schema" in target else load(target)
        )

    return prepare


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError("x"), 2),
        (errors.SpecError([errors.Problem("a.json", 3, 4, "seed", "no")]), 2),
        (errors.NoSuchRun("x"), 3),
        (errors.Busy("x"), 4),
        (errors.Damaged("x"), 5),
        (errors.Unavailable("x"), 6),
        (errors.RunFailed("x"), 1),
        (errors.Stopped("x", 15), 143),
        (errors.Stopped("x"), 130),
    ],
)
def test_every_error_of_the_tree_is_words_and_its_code(
    boom: Boom, capsys: Capture, error: errors.TrackerError, code: int
) -> None:
    boom(error)
    assert main(["schema"]) == code
    heard = capsys.readouterr()
    assert (heard.out, heard.err) == ("", f"{error}\n")


@pytest.mark.parametrize(
    ("outcome", "code", "words"),
    [
        (None, 0, ""),
        (7, 7, ""),
        (KeyboardInterrupt(), 130, ""),
        (MemoryError(), 6, "Out of memory.\n"),
        (OSError(28, "No space left on device", "runs/x"), 6, "No space left on device: runs/x\n"),
        (BrokenPipeError(32, "Broken pipe"), 6, "Broken pipe\n"),  # a worker's, not our stdout's
    ],
)
def test_what_else_can_happen(
    boom: Boom, capsys: Capture, outcome: object, code: int, words: str
) -> None:
    boom(outcome)
    assert main(["schema"]) == code
    assert capsys.readouterr().err == words


def test_a_bug_is_one_line_and_a_file(
    boom: Boom, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    boom(ZeroDivisionError("one\nby \x1b[2Jzero"))
    assert main(["schema"]) == 70
    heard = capsys.readouterr().err
    [kept] = tmp_path.iterdir()
    assert heard == (
        "internal error: ZeroDivisionError: one\n"
        f"This is a bug in tracker; please report it with {kept}\n"
    )
    assert "Traceback (most recent call last)" in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600


def test_the_root_of_the_tree_is_a_bug_too(
    boom: Boom, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    boom(errors.TrackerError("impossible"))
    assert main(["schema"]) == 70
    assert capsys.readouterr().err.startswith("internal error: TrackerError: impossible\n")


def test_debugging_puts_the_traceback_on_stderr(
    boom: Boom, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TRACKER_DEBUG", "1")
    boom(ZeroDivisionError("one"))
    assert main(["schema"]) == 70
    assert "Traceback" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_bug_is_told_where_nothing_can_be_kept(
    boom: Boom, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    boom(ZeroDivisionError("one"))
    assert main(["schema"]) == 70
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["lss"],
            "tracker: There is no command 'lss'. Did you mean 'ls'?\nSee 'tracker --help'.\n",
        ),
        (["zzzz"], "tracker: There is no command 'zzzz'.\nSee 'tracker --help'.\n"),
        (["\x1b[2J"], "tracker: There is no command '\\x1b[2J'.\nSee 'tracker --help'.\n"),
        (
            ["ls", "--runs", "x"],
            "tracker ls: --runs goes before the command: "
            "tracker --runs DIR COMMAND\nSee 'tracker ls --help'.\n",
        ),
    ],
)
def test_a_wrong_command_line_names_the_nearest_right_one(
    capsys: Capture, arguments: list[str], words: str
) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err == words


def test_a_wrong_option_names_the_nearest_right_one(capsys: Capture) -> None:
    assert main(["ls", "--jsn"]) == 2
    words = capsys.readouterr().err
    assert "Did you mean" in words
    assert "--json" in words


def test_no_arguments_show_the_help_and_are_an_error(capsys: Capture) -> None:
    assert main([]) == 2
    assert "Usage: tracker" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_the_help_is_data(capsys: Capture, flag: str) -> None:
    assert main([flag]) == 0
    heard = capsys.readouterr()
    assert heard.err == ""
    for name, text in COMMANDS.items():
        assert f"  {name}" in heard.out
        assert text in heard.out


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_says_what_the_commands_say(name: str) -> None:
    command = door.cli.get_command(click.Context(door.cli), name)
    assert isinstance(command, click.Command)
    assert command.name == name
    assert (command.help or "").partition("\n")[0] == COMMANDS[name]


def test_every_command_there_is_stands_in_the_table() -> None:
    modules = {module.name.rstrip("_") for module in pkgutil.iter_modules(commands.__path__)}
    assert modules == set(COMMANDS)


@pytest.mark.parametrize(("alias", "name"), ALIASES.items())
def test_an_alias_is_its_command(alias: str, name: str) -> None:
    context = click.Context(door.cli)
    assert door.cli.get_command(context, alias) is door.cli.get_command(context, name)


def imported(arguments: Sequence[str], cwd: Path) -> set[str]:
    """Every module that one command line imports."""
    program = (
        "import sys, json\nfrom tracker.cli.main import main\n"
        f"code = main({list(arguments)!r})\n"
        "sys.stderr.write(json.dumps([code, *sys.modules]))"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=cwd, check=True)
    code, *modules = json.loads(done.stderr[done.stderr.rindex("[") :])
    assert code == 0, done.stderr
    return set(modules)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_the_front_page_imports_no_command(tmp_path: Path, arguments: list[str]) -> None:
    ours = {name for name in imported(arguments, tmp_path) if name.startswith("tracker")}
    assert ours == {
        "tracker",
        "tracker.cli",
        "tracker.cli.main",
        "tracker.cli.terminal",
        "tracker.cli.typed",
        "tracker.errors",
        "tracker.version",
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ["init", "x.json"],
        ["schema"],
        ["validate", "asked.json"],
        ["models"],
        ["datasets"],
        ["run", "--help"],
        ["ls"],
        ["show", "@last"],
        ["show", "@last", "--json"],
        ["tensorboard", "--help"],
        ["predict", "--help"],
        ["evaluate", "--help"],
        ["tensorboard", "--list"],
        ["tensorboard", "--stop"],
        ["rm", "@last"],
        ["restore", "--list"],
        ["gc", "--older-than", "0"],
        ["doctor"],
        ["completion", "zsh"],
    ],
    ids=" ".join,
)
def test_light_commands_import_nothing_heavy(
    tmp_path: Path, make_run: Callable[..., Run], arguments: list[str]
) -> None:
    make_run(tmp_path / "runs")
    (tmp_path / "asked.json").write_text('{"name": "x"}')
    assert not imported(arguments, tmp_path) & set(HEAVY)


def test_completion_knows_commands_without_importing_them(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "_TRACKER_COMPLETE": "bash_complete",
        "COMP_WORDS": "tracker t",
        "COMP_CWORD": "1",
    }
    assert run([], env=environment, cwd=tmp_path).stdout == "plain,tensorboard\n"


def test_a_reader_that_leaves_ends_it_quietly(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "tracker.cli.main", "schema"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_behind_stdout_is_said() -> None:
    command = [sys.executable, "-m", "tracker.cli.main", "schema"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (6, b"No space left on device\n")


@pytest.mark.parametrize("fix", ["", "env -u LANG LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 "])
def test_odd_surroundings_end_in_words(tmp_path: Path, fix: str) -> None:
    line = f"{fix}{sys.executable} -m tracker.cli.main "
    for command, code in [
        ("ls \udcff\udcfe", 3),  # an argument that is not UTF-8
        ("datasets", 0),
        ("show \udcff", 3),
        ("\udcff", 2),
        ("models >&-", 0),
        ("zzz 2>&-", 2),
    ]:
        done = subprocess.run(
            os.fsencode(line + command), shell=True, capture_output=True, timeout=60, cwd=tmp_path
        )
        assert (done.returncode, b"Traceback" in done.stderr) == (code, False), (command, done)


def test_runs_may_be_named_by_the_environment(tmp_path: Path, make_run: Callable[..., Run]) -> None:
    make_run(tmp_path / "elsewhere")
    done = run(["ls"], cwd=tmp_path, env={**os.environ, "TRACKER_RUNS": "elsewhere"})
    assert "first/resnet50/s0" in done.stdout
    assert "no runs in here" in run(["--runs", "here", "ls"], cwd=tmp_path).stderr
