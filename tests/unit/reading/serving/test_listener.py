from __future__ import annotations

import os
import re
import socket
import time
from pathlib import Path

import pytest

from tracker.reading.serving import listener as listener_module
from tracker.reading.serving.listener import listener

pytestmark = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="Linux tells, no other")


@pytest.mark.parametrize(
    ("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]
)
def test_who_listens_and_since_when(family: socket.AddressFamily, address: str) -> None:
    with socket.socket(family) as server:
        try:
            server.bind((address, 0))
        except OSError:
            pytest.skip(f"no {address} on this machine")
        port = server.getsockname()[1]
        assert listener(port) is None  # bound, and nobody can connect yet
        server.listen()
        found = listener(port)
    assert found is not None
    assert found.pid == os.getpid()
    assert found.command.startswith(Path("/proc/self/cmdline").read_text().split("\0")[0][:79])
    assert len(found.command) <= 80
    assert time.time() - 24 * 3600 < found.started < time.time() + 1
    assert re.fullmatch(rf"pid {os.getpid()}, since 20\d\d-\d\d-\d\d \d\d:\d\d UTC", str(found))
    assert listener(port) is None


def test_where_nothing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        monkeypatch.setattr(listener_module, "PROC", tmp_path)  # as on macOS
        assert listener(server.getsockname()[1]) is None
