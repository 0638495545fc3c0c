"""The Hub, here and away: what is asked of it, how long that may take, what is put back."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.web import Quiet, served
from tracker.errors import Unavailable
from tracker.models import hub, published
from tracker.spec.experiment import Model

pytest.importorskip("timm", reason="timm is not installed: pip install 'tracker[timm]'")
constants: Any = pytest.importorskip("huggingface_hub.constants")
utils: Any = pytest.importorskip("huggingface_hub.utils")


class Refusing(Quiet):
    def do_HEAD(self) -> None:  # noqa: N802 - its name there
        self.send_error(403)


@pytest.fixture
def server() -> Iterator[str]:
    with served(Refusing) as address:
        yield address


def test_a_refusal_is_an_answer(server: str) -> None:
    assert hub.answers(server, 30)


def test_nobody_there_is_none() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert not hub.answers(f"http://127.0.0.1:{port}", 30)
    assert not hub.answers("no address", 30)


def test_who_keeps_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert not hub.answers(f"http://127.0.0.1:{silent.getsockname()[1]}", 0.05)
    looked_up = threading.Event()  # a name, which has no time limit of its own
    monkeypatch.setattr(hub, "_answers", lambda *_: looked_up.wait())
    assert not hub.answers("http://somewhere", 0.05)
    looked_up.set()


def test_what_was_set_is_set_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    asked: list[str] = []

    def answers(address: str, patience: float) -> bool:
        asked.append(address)
        return len(asked) == 1

    monkeypatch.setattr(hub, "answers", answers)
    with hub.settled():
        assert (constants.HF_HUB_OFFLINE, utils.are_progress_bars_disabled()) == (False, True)
    with hub.settled():
        assert (constants.HF_HUB_OFFLINE, utils.are_progress_bars_disabled()) == (True, True)
    assert (constants.HF_HUB_OFFLINE, utils.are_progress_bars_disabled()) == (False, False)
    assert asked == [constants.ENDPOINT] * 2


def test_nobody_asks_where_the_environment_says_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(hub, "answers", lambda *_: pytest.fail("it was asked"))
    with hub.settled():
        assert constants.HF_HUB_OFFLINE
    assert constants.HF_HUB_OFFLINE


def test_without_network_there_is_one_error_and_no_noise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(hub, "answers", lambda *_: False)
    spec = Model(backbone="timm:resnet10t", stem=None, width=None, weights="DEFAULT")
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("it tries again"))
    with pytest.raises(Unavailable) as refused:
        published.fetch(spec, 32, lambda _: None)
    words = str(refused.value)
    assert f"({constants.ENDPOINT} does not answer, and no cache has them)" in words
    assert "https://huggingface.co/timm/resnet10t.c3_in1k" in words
    assert capfd.readouterr() == ("", "")
