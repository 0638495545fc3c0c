"""Receiving files: whole, told of, and with one kind of end where they do not come."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path

import pytest

from tests.web import Quiet, served
from tracker import web

CONTENT = bytes(range(256)) * 40


class _Handler(Quiet):
    def do_GET(self) -> None:  # noqa: N802 - its name there
        name = self.path.removeprefix("/")
        self.send_response(200 if name != "absent" else 404)
        if name != "unmeasured":
            extra = 5 if name == "cut" else 0
            self.send_header("Content-Length", str(len(CONTENT) + extra))
        self.end_headers()
        self.wfile.write(CONTENT)


@pytest.fixture
def address() -> Iterator[str]:
    with served(_Handler) as address:
        yield address


@pytest.mark.parametrize(("name", "total"), [("whole", len(CONTENT)), ("unmeasured", 0)])
def test_a_file_comes_whole_and_is_told_of(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, total: int
) -> None:
    monkeypatch.setattr(web, "_CHUNK", 4096)
    told: list[tuple[int, int]] = []
    digest = web.receive(f"{address}/{name}", tmp_path / "a", lambda *both: told.append(both))
    assert digest == hashlib.sha256(CONTENT).hexdigest()
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert told == [(4096, total), (8192, total), (len(CONTENT), total)]


@pytest.mark.parametrize("name", ["cut", "absent"])
def test_what_does_not_come_whole_is_an_error(address: str, tmp_path: Path, name: str) -> None:
    with pytest.raises((OSError, HTTPException)):
        web.receive(f"{address}/{name}", tmp_path / "a", lambda *_: None)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", ""])
def test_only_web_servers_are_asked(url: str, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no address of a web server"):
        web.receive(url, tmp_path / "a", lambda *_: None)
    assert not (tmp_path / "a").exists()
