import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tracker.errors import Busy, NoSuchRun, Unavailable, UsageError
from tracker.reading.serving import dashboard
from tracker.reading.serving.dashboard import (
    Server,
    choose_port,
    describe,
    find,
    note,
    resolve,
    same,
    stop,
)
from tracker.reading.serving.listener import Listener
from tracker.store.process import this_process
from tracker.store.run import Run

Pretend = Callable[[object], int]
LOGDIR = "/tmp/tracker-view-abc"


def ours(port: int) -> Server:
    """This very process, as if it were a TensorBoard we started."""
    return Server(
        process=this_process(),
        address="127.0.0.1",
        port=port,
        logdir=LOGDIR,
        showing="/somewhere/runs",
        started="2026-01-02T03:04:05.678+00:00",
    )


@pytest.fixture
def deaf() -> Iterator[int]:
    """The port of a program that accepts connections and never answers, as if suspended."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
def closed() -> int:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard, "ANSWER_SECONDS", 1.5)


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Every signal that would have been sent."""
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    return sent


def test_a_server_is_found_as_it_was_noted(tmp_path: Path, pretend: Pretend) -> None:
    server = ours(pretend({"data_location": LOGDIR}))
    path = note(tmp_path, server)
    [found] = find(tmp_path)
    assert (found.file, found.server, found.standing) == (path, server, "serving")
    assert path.is_relative_to(tmp_path / ".tracker")


def test_ours_is_only_what_pid_start_and_answer_agree_on(
    tmp_path: Path, pretend: Pretend, deaf: int, closed: int
) -> None:
    port = pretend({"data_location": LOGDIR})
    server = ours(port)
    me = server.process
    cases = {
        "serving": server,
        "silent": replace(server, logdir="/tmp/tracker-view-other"),
        "gone": replace(server, process=replace(me, start="1")),  # the pid is another's by now
    }
    for expected, each in cases.items():
        note(tmp_path / expected, each)
        assert [found.standing for found in find(tmp_path / expected)] == [expected]
    for name, each, expected in [
        ("rebooted", replace(server, process=replace(me, boot_id="another")), "gone"),
        ("other host", replace(server, process=replace(me, host="another")), "elsewhere"),
        ("nobody listens", replace(server, port=closed), "silent"),
        ("suspended", replace(server, port=deaf), "silent"),
    ]:
        note(tmp_path / name, each)
        [found] = find(tmp_path / name)
        assert found.standing == expected, name
        assert "/somewhere/runs" in describe(found)


@pytest.mark.parametrize(
    "answer", [b"", b"no json", b"[]", b"{}", b'{"data_location": 7}', b"\xff", b"[" * 70_000]
)
def test_what_answers_nonsense_is_not_ours(tmp_path: Path, pretend: Pretend, answer: bytes) -> None:
    note(tmp_path, ours(pretend(answer)))
    assert [found.standing for found in find(tmp_path)] == ["silent"]


@pytest.mark.parametrize(
    "change",
    [
        lambda document: "{",
        lambda document: [],
        lambda document: {**document, "port": "6006"},
        lambda document: {**document, "process": {}},
        lambda document: {**document, "process": {**document["process"], "pid": 0}},
        lambda document: {**document, "process": {**document["process"], "pid": -1}},
        lambda document: {**document, "process": {**document["process"], "pid": 1}},
        lambda document: {**document, "schema_version": 99},
    ],
)
def test_a_note_that_is_not_as_we_write_them_is_no_server(
    tmp_path: Path, pretend: Pretend, change: Callable[[object], object]
) -> None:
    path = note(tmp_path, ours(pretend({"data_location": LOGDIR})))
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    assert find(tmp_path) == []


def test_a_note_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / ".tracker").touch()
    with pytest.raises(Unavailable, match=r"\.tracker"):
        note(tmp_path, ours(6006))


def test_stop_asks_first(
    pretend: Pretend, killed: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = ours(pretend({"data_location": LOGDIR}))
    answers = iter(["serving", "serving", "gone"])
    monkeypatch.setattr(dashboard, "_standing", lambda _: next(answers))
    stop(server, clock=lambda: 0.0, sleep=lambda _: None)
    assert killed == [(os.getpid(), signal.SIGTERM)]


def test_stop_kills_what_does_not_listen(pretend: Pretend, killed: list[tuple[int, int]]) -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += 1

    stop(ours(pretend({"data_location": LOGDIR})), clock=lambda: now[0], sleep=sleep)
    assert killed == [(os.getpid(), signal.SIGTERM), (os.getpid(), signal.SIGKILL)]
    assert now[0] > dashboard.STOP_SECONDS


def test_stop_leaves_alone_what_is_not_surely_ours(
    deaf: int, closed: int, pretend: Pretend, killed: list[tuple[int, int]]
) -> None:
    strange = ours(pretend({"data_location": "/somebody/else"}))
    gone = replace(strange, process=replace(strange.process, start="1"))
    away = replace(strange, process=replace(strange.process, host="another"))
    for server in (ours(deaf), ours(closed), strange, gone, away):
        with pytest.raises(Busy, match="left alone"):
            stop(server)
    assert killed == []


def test_a_wanted_port_is_taken_or_its_holder_named(
    tmp_path: Path, pretend: Pretend, deaf: int, closed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = Listener(42, "python -m http.server", 1.7e9)
    monkeypatch.setattr(dashboard, "listener", lambda _port: program)
    assert choose_port(tmp_path, "127.0.0.1", closed) == (closed, None)
    who = r"held by `python -m http\.server` \(pid 42, since 2023-11-14 22:13 UTC\)"
    with pytest.raises(Busy, match=who):
        choose_port(tmp_path, "127.0.0.1", deaf)
    stranger = pretend({"data_location": "/their/logs", "window_title": ""})
    with pytest.raises(Busy, match=r"another TensorBoard, for /their/logs \(pid 42, since 2"):
        choose_port(tmp_path, "127.0.0.1", stranger)
    titled = pretend({"data_location": "/tmp/x", "window_title": "tracker: /their/runs"})
    with pytest.raises(Busy, match="another TensorBoard, for tracker: /their/runs"):
        choose_port(tmp_path, "127.0.0.1", titled)
    mine = pretend({"data_location": LOGDIR})
    note(tmp_path, ours(mine))
    with pytest.raises(
        Busy, match=r"our TensorBoard for /somewhere/runs .* since 2026-01-02 03:04"
    ):
        choose_port(tmp_path, "127.0.0.1", mine)


def test_a_holder_that_cannot_be_seen(
    tmp_path: Path, deaf: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dashboard, "listener", lambda _port: None)  # another user's
    with pytest.raises(Busy, match=f"Port {deaf} is held by another program .*`ss -ltnp"):
        choose_port(tmp_path, "127.0.0.1", deaf)


def test_the_usual_port_is_left_aloud(
    tmp_path: Path, deaf: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dashboard, "FIRST_PORT", deaf)
    port, remark = choose_port(tmp_path, "127.0.0.1", None)
    assert deaf < port < deaf + dashboard.PORTS_TRIED
    assert remark is not None
    assert remark.startswith(f"Port {deaf} is held by ")
    assert remark.endswith(f"using {port}.")


def test_a_port_for_root_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(Unavailable, match="port 80 is for root only"):
        choose_port(tmp_path, "127.0.0.1", 80)


def test_an_address_of_another_machine(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--host 203\.0\.113\.1"):
        choose_port(tmp_path, "203.0.113.1", 6006)
    with pytest.raises(UsageError, match=r"--host a\.\.b"):
        choose_port(tmp_path, "a..b", 6006)  # what cannot even be looked up


def test_the_same_runs_are_not_served_twice(tmp_path: Path, pretend: Pretend, deaf: int) -> None:
    server = ours(pretend({"data_location": LOGDIR}))
    note(tmp_path, server)
    assert same(tmp_path, server.showing, server.address, None) == server
    assert same(tmp_path, server.showing, server.address, server.port) == server
    assert same(tmp_path, server.showing, server.address, 6006) is None
    assert same(tmp_path, "other runs", server.address, None) is None
    assert same(tmp_path, server.showing, "0.0.0.0", None) is None
    note(tmp_path / "x", ours(deaf))
    assert same(tmp_path / "x", server.showing, server.address, None) is None


def test_a_name_may_be_an_experiment_a_variant_or_a_run(
    tmp_path: Path, make_run: Callable[..., Run]
) -> None:
    root = tmp_path / "runs"
    make_run(root, "resnet50", 0)
    make_run(root, "resnet50", 1)
    make_run(root, "resnet18", 3, name="second")
    for ref, name in [
        ("first", "first"),
        ("first/", "first"),
        ("first/resnet50", "first/resnet50"),
        ("first/resnet50/s1", "first/resnet50/s1"),
        ("resnet50/s0", "first/resnet50/s0"),
        ("s3", "second/resnet18/s3"),
        (str(root / "first/resnet50/s0"), "first/resnet50/s0"),
        ("@last", "second/resnet18/s3"),
    ]:
        assert resolve(root, [ref]) == [name], ref
    for ref in (
        "..",
        ".",
        "first/..",
        ".tracker",
        "",
        "/",
        "nothing",
        "s",
        "a\0b",
        "first/../second",
    ):
        with pytest.raises(NoSuchRun):
            resolve(root, [ref])


def test_a_run_elsewhere_is_refused(tmp_path: Path, make_run: Callable[..., Run]) -> None:
    run = make_run(tmp_path / "other")
    make_run(tmp_path / "runs")
    with pytest.raises(UsageError, match="--runs"):
        resolve(tmp_path / "runs", [str(run.path)])


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:6006/"),
        ("0.0.0.0", "http://127.0.0.1:6006/"),
        ("::1", "http://[::1]:6006/"),
        ("box", "http://box:6006/"),
    ],
)
def test_urls(address: str, url: str) -> None:
    assert replace(ours(6006), address=address).url == url


def test_behind_a_prefix(tmp_path: Path, pretend: Pretend) -> None:
    port = pretend({"data_location": LOGDIR})
    behind = replace(ours(port), prefix="/tb")
    assert behind.url == f"http://127.0.0.1:{port}/tb/"
    dashboard.note(tmp_path, behind)
    [found] = dashboard.find(tmp_path)
    assert (found.server, found.standing) == (behind, "serving")
    assert dashboard.same(tmp_path, behind.showing, behind.address, None, "/tb") == behind
    assert dashboard.same(tmp_path, behind.showing, behind.address, None) is None


def test_a_note_from_before_there_were_prefixes(tmp_path: Path, pretend: Pretend) -> None:
    path = dashboard.note(tmp_path, ours(pretend({"data_location": LOGDIR})))
    document = json.loads(path.read_text())
    del document["prefix"]
    path.write_text(json.dumps(document))
    [found] = dashboard.find(tmp_path)
    assert found.server.prefix == ""
