from __future__ import annotations

import atexit
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tracker.errors import Unavailable
from tracker.reading.serving import dashboard
from tracker.reading.serving.notebook import PROXY, Inline, inline
from tracker.store.run import Run


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Callable[[], None]]]:
    """What would be done when the kernel ends; done at the end of the test."""
    registered: list[Callable[[], None]] = []
    monkeypatch.setattr(
        atexit, "register", lambda done, *what: registered.append(lambda: done(*what))
    )
    yield registered
    for end in registered:
        end()


def test_a_server_is_started_then_found_and_ends_with_the_kernel(
    tmp_path: Path, make_run: Callable[..., Run], ends: list[Callable[[], None]]
) -> None:
    make_run(tmp_path)
    shown = inline(tmp_path, ["first"], height=500)
    [found] = dashboard.find(tmp_path)
    assert found.standing == "serving"
    assert shown.url.startswith(f"{found.server.url}?pinnedCards=")
    assert inline(tmp_path, ["first"]).url == shown.url
    assert len(ends) == 1
    ends.pop()()
    assert dashboard.find(tmp_path) == []


def test_why_there_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="There are no runs to browse"):
        inline(tmp_path / "none")
    with pytest.raises(Unavailable, match="there are no runs in"):
        inline(tmp_path, ["--stop"])  # a name, and no option


def test_a_notebook_shows_a_frame_and_a_terminal_the_address() -> None:
    shown = Inline('http://x/?a="1"&b=2', 700)
    assert shown._repr_html_() == (
        '<iframe src="http://x/?a=&quot;1&quot;&amp;b=2" width="100%" height="700" '
        'style="border: 0" title="TensorBoard"></iframe>'
    )
    assert repr(shown) == 'http://x/?a="1"&b=2'


def test_through_a_proxy(
    tmp_path: Path,
    make_run: Callable[..., Run],
    monkeypatch: pytest.MonkeyPatch,
    ends: list[Callable[[], None]],
) -> None:
    make_run(tmp_path)
    monkeypatch.setenv(PROXY, "/user/me/proxy/%PORT%/")
    shown = inline(tmp_path)
    [found] = dashboard.find(tmp_path)
    assert shown.url.startswith(f"/user/me/proxy/{found.server.port}/?pinnedCards=")


def test_the_processes_are_waited_for(
    tmp_path: Path, make_run: Callable[..., Run], ends: list[Callable[[], None]]
) -> None:
    make_run(tmp_path)
    begun: list[subprocess.Popen[bytes]] = []
    init = subprocess.Popen.__init__

    def noted(self: subprocess.Popen[bytes], *arguments: Any, **options: Any) -> None:
        init(self, *arguments, **options)
        begun.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess.Popen, "__init__", noted)
        inline(tmp_path)
        inline(tmp_path)
    assert [process.returncode for process in begun] == [None, 0]
    ends.pop()()
    assert begun[0].returncode == 0
