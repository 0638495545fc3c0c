"""What a person should know of their runs folder, and what they can do."""

import json
import os
import socket
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tracker.reading.checkup import inventory
from tracker.reading.checkup.finding import Finding
from tracker.reading.serving import dashboard
from tracker.store.process import ProcessId
from tracker.store.run import Run
from tracker.store.status import utc_now
from tracker.store.trash import Trash


@pytest.fixture
def run(tmp_path: Path, make_run: Callable[..., Run]) -> Run:
    return make_run(tmp_path)


def look(root: Path) -> dict[str, Finding]:
    return {finding.subject: finding for finding in inventory.check(root, utc_now())}


def say(run: Run, **fields: object) -> None:
    run.status_file.write_text(json.dumps(json.loads(run.status_file.read_text()) | fields))


def test_nothing_yet(tmp_path: Path) -> None:
    assert [(one.level, one.words) for one in look(tmp_path / "runs").values()] == [
        ("ok", "none yet")
    ]


def test_a_run_of_a_computer_nobody_can_ask_for_is_told(tmp_path: Path, run: Run) -> None:
    say(run, state="running", ended=None, host="else\x1bwhere", kernel_lock=False)
    found = look(tmp_path)[run.id]
    assert found.level == "warning"
    status = run.status()
    assert found.words == (
        f"running as process {status.pid} of else\\x1bwhere, it says; its last sign of life is "
        f"from {status.updated}, and this file system has no locks to ask"
    )
    assert found.remedy == (
        'look there; if that computer is gone for good, let status.json say "state": "stopped", '
        "and --resume goes on"
    )


def test_finished_runs_are_a_number(tmp_path: Path, run: Run) -> None:
    [finding] = look(tmp_path).values()
    assert (finding.level, finding.words) == ("ok", "1 finished")


def test_a_crashed_run_can_go_on(tmp_path: Path, run: Run) -> None:
    say(run, state="running", ended=None)
    found = look(tmp_path)
    assert found["runs"].words == "1 crashed"
    assert found[run.id].level == "warning"
    assert found[run.id].remedy == f"`tracker run --resume {run.id}` goes on"


def test_a_damaged_run_is_a_problem(tmp_path: Path, run: Run) -> None:
    run.status_file.write_text("")
    finding = look(tmp_path)[run.id]
    assert (finding.level, finding.exit_code) == ("problem", 5)
    assert "status.json" in finding.words


def test_a_run_of_tomorrow_is_a_wrong_clock(tmp_path: Path, run: Run) -> None:
    tomorrow = (utc_now() + timedelta(days=1)).isoformat()
    say(run, started=tomorrow, updated=tomorrow, ended=tomorrow)
    assert look(tmp_path)["clock"].level == "warning"


def test_leftovers_and_trash(tmp_path: Path, run: Run, make_run: Callable[..., Run]) -> None:
    (run.path / ".status.json.1-00000000.tmp").write_bytes(bytes(2_000_000))
    with Trash(tmp_path) as trash:
        trash.put(make_run(tmp_path, seed=1))
    found = look(tmp_path)
    assert found["leftovers"].words == "2.0 MB that nobody needs"
    assert found["trash"].words.endswith("bring back: 1")


def test_servers(tmp_path: Path) -> None:
    def note(pid: int, host: str, port: int) -> None:
        process = ProcessId(pid, host, "boot", "1")
        server = dashboard.Server(
            process=process,
            address="127.0.0.1",
            port=port,
            logdir="/none",
            showing="x",
            started="2026-01-01T00:00:00.000+00:00",
        )
        dashboard.note(tmp_path, server)

    note(os.getpid(), socket.gethostname(), 1)  # of another boot: gone
    note(7, "elsewhere", 2)
    servers = [one for one in inventory.check(tmp_path, utc_now()) if one.subject == "tensorboard"]
    assert [one.level for one in servers] == ["warning", "ok"]
    assert "nobody any more" in servers[0].words
