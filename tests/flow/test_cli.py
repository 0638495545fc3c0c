"""The command line as a person uses it: whole processes, real servers, real signals."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tracker.store.run import Run

TRACKER = [sys.executable, "-m", "tracker.cli.main"]


class Served:
    """A `tracker tensorboard` in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.said: dict[str, Any] = json.loads(process.stdout.readline())
        self.server: dict[str, Any] = self.said["server"]
        self.logdir = Path(self.server["logdir"])

    def get(self, path: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.server["port"], timeout=10)
        try:
            connection.request("GET", path)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def runs(self, wanted: set[str]) -> set[str]:
        """What TensorBoard lists, as soon as that is what is wanted, or after 15 s."""
        deadline = time.monotonic() + 15
        while (found := set(self.get("/data/runs"))) != wanted and time.monotonic() < deadline:
            continue
        return found


@pytest.fixture
def root(tmp_path: Path, make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    make_run(tmp_path / "runs", "resnet50", 0)
    make_run(tmp_path / "runs", "se_resnet50", 0)
    return tmp_path / "runs"


def ask(root: Path, *arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [*TRACKER, "--runs", root, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@contextmanager
def serve(root: Path, *arguments: str, **options: Any) -> Iterator[Served]:
    command = [*TRACKER, "--runs", str(root), "tensorboard", "--json", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options) as process:
        try:
            yield Served(process)
        finally:
            process.kill()


def servers(root: Path) -> list[tuple[int, str]]:
    _, data, _ = ask(root, "tb", "--list", "--json")
    return [(each["port"], each["standing"]) for each in json.loads(data)["servers"]]


def left_behind(root: Path) -> list[Path]:
    views = Path(os.environ["TMPDIR"]).glob("tracker-view-*")
    return [*views, *(root / ".tracker/tensorboard").iterdir()]


def test_from_nothing_to_a_look_at_the_runs(tmp_path: Path, make_run: Callable[..., Run]) -> None:
    spec = tmp_path / "first.json"
    assert ask(tmp_path / "runs", "init", str(spec))[0] == 0
    code, data, _ = ask(tmp_path / "runs", "validate", str(spec))
    assert (code, len(data.splitlines())) == (0, 5)
    assert ask(tmp_path / "runs", "ls")[:2] == (0, "")
    assert ask(tmp_path / "runs", "tensorboard")[0] == 3
    make_run(tmp_path / "runs", "cifar_resnet20", 0)
    assert "first/cifar_resnet20/s0" in ask(tmp_path / "runs", "ls")[1]
    assert "finished" in ask(tmp_path / "runs", "show", "@last")[1]


def test_a_server_tells_what_it_is_and_shows_runs_to_come(
    root: Path, make_run: Callable[..., Run]
) -> None:
    with serve(root) as served:
        assert served.runs({"first/resnet50/s0", "first/se_resnet50/s0"}) == {
            "first/resnet50/s0",
            "first/se_resnet50/s0",
        }
        environment = served.get("/data/environment")
        assert environment["data_location"] == str(served.logdir)
        assert environment["window_title"] == f"tracker: {root}"
        assert servers(root) == [(served.server["port"], "serving")]
        make_run(root, "resnet18", 0, name="later")
        assert "later/resnet18/s0" in served.runs(
            {"first/resnet50/s0", "first/se_resnet50/s0", "later/resnet18/s0"}
        )
        points = served.get("/data/plugin/scalars/scalars?run=first/resnet50/s0&tag=accuracy/val")
        assert [step for _, step, _ in points] == [10, 20, 30]


def test_only_the_runs_named_are_shown(root: Path) -> None:
    with serve(root, "se_resnet50/s0") as served:
        assert served.runs({"se_resnet50/s0"}) == {"se_resnet50/s0"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_cleanly(root: Path, number: signal.Signals) -> None:
    with serve(root, "first", stderr=subprocess.PIPE) as served:
        served.process.send_signal(number)
        _, words = served.process.communicate(timeout=10)
        assert served.process.returncode == 0
        assert words.endswith("Ended.\n")
        assert "TensorFlow" not in words
        assert "Traceback" not in words
    assert left_behind(root) == []


def test_ctrl_c_reaches_a_server_started_in_the_background(root: Path) -> None:
    def as_a_shell_does() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    with serve(root, preexec_fn=as_a_shell_does) as served:
        served.process.send_signal(signal.SIGINT)
        assert served.process.wait(timeout=10) == 0


def test_stop_ends_ours_and_says_so(root: Path) -> None:
    with serve(root) as served:
        code, _, words = ask(root, "tb", "--stop", "--port", "1")
        assert (code, words) == (0, f"nothing of ours to stop on this machine for {root}\n")
        code, _, words = ask(root, "tb", "--stop")
        assert (code, words.startswith("stopped our TensorBoard")) == (0, True)
        assert served.process.wait(timeout=10) == 0
    assert servers(root) == []
    assert left_behind(root) == []
    assert ask(root, "tb", "--stop")[0] == 0


def test_a_taken_port_names_its_holder_and_harms_nobody(root: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = str(listening.getsockname()[1])
        code, data, words = ask(root, "tensorboard", "--port", port)
        assert (code, data) == (4, "")
        assert words.startswith(f"Port {port} is held by ")
        is_told = Path("/proc/net/tcp").exists()  # by Linux
        assert (f" (pid {os.getpid()}, since " if is_told else "another program") in words
        assert listening.fileno() != -1
    with serve(root) as served:
        port = str(served.server["port"])
        pid = str(served.server["process"]["pid"])
        code, data, words = ask(root, "tb", "--port", port, "first")
        assert (code, data) == (4, "")
        assert words.startswith(f"Port {port} is held by our TensorBoard for {root} (pid {pid}, ")
        (tmp_path / "other").mkdir()
        code, _, words = ask(tmp_path / "other", "tb", "--port", port)
        assert code == 4
        assert f"another TensorBoard, for tracker: {root}" in words
        assert served.process.poll() is None


def test_the_same_runs_twice_are_one_server(root: Path) -> None:
    with serve(root, "first", "--no-browser") as served:
        code, link, words = ask(root, "tb", "first")
        assert (code, link.strip()) == (0, served.said["link"])
        assert words.startswith("It is open already")


def test_a_killed_server_leaves_nothing_that_lies(root: Path) -> None:
    with serve(root) as served:
        served.process.kill()
        served.process.wait(timeout=10)
    assert servers(root) == [(served.server["port"], "gone")]
    assert ask(root, "tb", "--stop")[0] == 0
    with serve(root) as again:
        assert again.runs({"first/resnet50/s0", "first/se_resnet50/s0"})
        assert servers(root) == [(again.server["port"], "serving")]
        assert not served.logdir.exists()


@pytest.mark.slow  # every question to it waits in vain for 2 s
def test_a_suspended_server_is_named_and_left_alone(root: Path) -> None:
    with serve(root) as served:
        served.process.send_signal(signal.SIGSTOP)
        try:
            assert servers(root) == [(served.server["port"], "silent")]
            code, _, words = ask(root, "tb", "--stop")
            assert (code, "left alone" in words) == (4, True)
            code, _, words = ask(root, "tb", "--port", str(served.server["port"]))
            assert (code, "which does not answer" in words) == (4, True)
        finally:
            served.process.send_signal(signal.SIGCONT)
        assert served.get("/data/environment")["data_location"] == str(served.logdir)


def test_somebody_else_s_runs_can_be_browsed(root: Path) -> None:
    (root / ".tracker").touch()  # as good as a folder one may not write in
    with serve(root) as served:
        assert any("will not know this server" in each for each in served.said["remarks"])
        assert served.runs({"first/resnet50/s0", "first/se_resnet50/s0"})


def test_an_open_door_is_said_aloud(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.7 22")
    with serve(root, "--host", "0.0.0.0", stderr=subprocess.PIPE) as served:
        port = served.server["port"]
        served.process.terminate()
        _, words = served.process.communicate(timeout=10)
    assert "there is no password" in words
    assert f"ssh -N -L {port}:127.0.0.1:{port} " in words
    assert "@192.0.2.7" in words


@pytest.mark.parametrize("port", ["0", "-1", "65536", "abc", "6006.5"])
def test_a_port_that_cannot_be_is_a_usage_error(root: Path, port: str) -> None:
    code, _, words = ask(root, "tb", f"--port={port}")
    assert (code, "--port" in words) == (2, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--list", "--stop"],
        ["--list", "first"],
        ["--stop", "x"],
        ["--list", "--host", "0.0.0.0"],
        ["--stop", "--path-prefix", "/tb"],
    ],
)
def test_flags_that_exclude_each_other(root: Path, arguments: list[str]) -> None:
    assert ask(root, "tb", *arguments)[0] == 2


def test_the_tests_look_where_the_servers_write(root: Path) -> None:
    assert Path(tempfile.gettempdir()) != Path(os.environ["TMPDIR"])  # set for children only
    with serve(root) as served:
        assert served.logdir.parent == Path(os.environ["TMPDIR"])
