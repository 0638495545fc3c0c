import os
import signal
import socket
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

import pytest

from tracker.errors import NoSuchRun
from tracker.reading.serving.dashboard import Server, note
from tracker.reading.serving.view import View
from tracker.reading.tab.plugin import ComparePlugin
from tracker.store.process import this_process

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # TensorBoard's own copy of html5lib
    from tensorboard import default

    from tracker.reading.serving.serve import _plugins, ended_by_signals, serving, sweep


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_block_and_not_the_clean_up(number: signal.Signals) -> None:
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    done = []
    with ended_by_signals():
        try:
            os.kill(os.getpid(), number)
            signal.sigtimedwait([], 5)  # the handler interrupts it
            done.append("went on")
        finally:
            os.kill(os.getpid(), number)  # an impatient second one
            done.append("cleaned up")
    assert done == ["cleaned up"]
    assert before == [
        signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    ]


def test_ctrl_c_works_though_the_shell_had_it_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with ended_by_signals():
            os.kill(os.getpid(), signal.SIGINT)
            signal.sigtimedwait([], 5)
            pytest.fail("SIGINT was ignored")
    finally:
        signal.signal(signal.SIGINT, before)


def test_nohup_is_obeyed() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    went_on = False
    try:
        with ended_by_signals():
            os.kill(os.getpid(), signal.SIGHUP)
            went_on = True
    finally:
        signal.signal(signal.SIGHUP, before)
    assert went_on


def test_other_errors_go_on_their_way() -> None:
    with pytest.raises(ZeroDivisionError), ended_by_signals():
        raise ZeroDivisionError


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    nothing = serving(tmp_path / "none", address="127.0.0.1", port=None)
    with pytest.raises(NoSuchRun, match="There are no runs to browse"), nothing:
        pytest.fail("it started")
    assert not (tmp_path / "none").exists()


def test_what_a_killed_server_left_is_swept_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    root = tmp_path / "runs"
    (root / "first/a/s0").mkdir(parents=True)
    me = this_process()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    alive = Server(
        process=me,
        address="127.0.0.1",
        port=port,
        logdir=str(View(root, ["first"]).logdir),
        showing="x",
        started="2026-01-02T03:04:05.678+00:00",
    )
    whole = View(root)
    another = replace(me, pid=me.pid + 1, start="1")
    dead = replace(alive, process=another, port=1, logdir=str(View(root, ["first"]).logdir))
    dead_too = replace(alive, process=another, port=2, logdir=str(whole.logdir))
    # A note that names something else must not make us remove it.
    wicked = replace(alive, process=another, port=3, logdir=str(root))
    kept = note(root, alive)
    for server in (dead, dead_too, wicked):
        note(root, server)
    sweep(root)
    assert list(kept.parent.iterdir()) == [kept]
    views = [path for path in tmp_path.iterdir() if path.name.startswith("tracker-view-")]
    assert views == [Path(alive.logdir).parent]
    assert (root / "first/a/s0").is_dir()


def test_a_broken_plugin_does_not_take_the_rest_along(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> list[object]:
        raise SyntaxError("somebody else's")

    monkeypatch.setattr(default, "get_dynamic_plugins", broken)
    assert _plugins() == [ComparePlugin, *default.get_static_plugins()]


def test_our_tab_comes_first_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(default, "get_dynamic_plugins", lambda: [ComparePlugin])
    assert _plugins() == [ComparePlugin, *default.get_static_plugins()]
