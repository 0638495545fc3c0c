from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import pytest

from tracker.cli.main import cli, main
from tracker.cli.typed import pasteable, typed
from tracker.store.run import Run


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "`tracker ls` lists those there are",
            "`tracker --runs 'my runs' ls` lists those there are",
        ),
        (
            "`tracker gc --dry-run` lists, `tracker gc` deletes",
            "`tracker --runs 'my runs' gc --dry-run` lists, `tracker --runs 'my runs' gc` deletes",
        ),
        ("`tracker --runs x ls`", "`tracker --runs x ls`"),
        ("`tracker models` lists them all", "`tracker models` lists them all"),
        ("`tracker --help`, tracker ls, `ls`", "`tracker --help`, tracker ls, `ls`"),
    ],
)
def test_a_hint_is_for_the_runs_that_were_named(text: str, shown: str) -> None:
    with cli.make_context("tracker", ["--runs", "my runs", "ls"]):
        assert pasteable(text) == shown
        assert typed("ls", "a b") == "tracker --runs 'my runs' ls 'a b'"


def test_what_was_not_given_by_hand_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKER_RUNS", "elsewhere")
    with cli.make_context("tracker", ["ls"]):
        assert (pasteable("`tracker ls`"), typed("ls")) == ("`tracker ls`", "tracker ls")
    assert click.get_current_context(silent=True) is None
    assert (pasteable("`tracker ls`"), typed("ls")) == ("`tracker ls`", "tracker ls")


def test_errors_and_first_steps_can_be_pasted(
    tmp_path: Path,
    make_run: Callable[..., Run],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    make_run(tmp_path / "mine")
    assert main(["--runs", "mine", "show", "zzz"]) == 3
    assert "; `tracker --runs mine ls` lists those there are\n" in capsys.readouterr().err
    assert main(["--runs", "mine", "init", "a b.json"]) == 0
    assert capsys.readouterr().err == (
        "Next: tracker validate 'a b.json'\n"
        "      tracker --runs mine run 'a b.json'\n"
        "      tracker --runs mine tensorboard\n"
    )
