"""Published weights: out of torch's cache, or downloaded into it, or one clear word."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch

from tracker import web
from tracker.errors import Damaged, Unavailable
from tracker.models import published
from tracker.models.build import build
from tracker.models.catalog import entry
from tracker.spec.experiment import Model

SPEC = Model(backbone="squeezenet1_1", stem=None, width=None, weights="DEFAULT")
SIZE = 32


@pytest.fixture(scope="module")
def content() -> bytes:
    """A file of the right weights."""
    buffer = io.BytesIO()
    torch.save(build(SPEC, num_classes=1000, seed=5).state_dict(), buffer)
    return buffer.getvalue()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> Path:
    """Where the file belongs: the catalog says that a file of this content is published."""
    known = entry("squeezenet1_1")
    assert known is not None
    name = f"net-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    weights = tuple(replace(one, url=f"https://example.org/{name}") for one in known.weights)
    monkeypatch.setattr(published, "entry", lambda _: replace(known, weights=weights))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    return tmp_path / "hub" / "checkpoints" / name


class Answer(io.BytesIO):
    headers: Message

    def __init__(self, content: bytes, length: int) -> None:
        super().__init__(content)
        self.headers = Message()
        self.headers["Content-Length"] = str(length)


def serve(monkeypatch: pytest.MonkeyPatch, content: bytes, length: int | None = None) -> None:
    def answer(*_: Any, **__: Any) -> Answer:
        return Answer(content, len(content) if length is None else length)

    monkeypatch.setattr(web, "urlopen", answer)


def ignore(_: str) -> None:
    """Nobody looks."""


def test_what_lies_in_torchs_cache_is_taken(place: Path, content: bytes) -> None:
    place.parent.mkdir(parents=True)
    place.write_bytes(content)
    taken = published.fetch(SPEC, SIZE, ignore)
    assert taken.source == "squeezenet1_1 IMAGENET1K_V1"
    assert taken.sha256 == hashlib.sha256(content).hexdigest()
    assert torch.equal(
        taken.state["classifier.1.bias"],
        build(SPEC, num_classes=1000, seed=5).state_dict()["classifier.1.bias"],
    )


def test_what_is_altered_there_is_not(place: Path, content: bytes) -> None:
    place.parent.mkdir(parents=True)
    torch.save({"classifier.1.bias": torch.zeros(3)}, place)
    with pytest.raises(Damaged, match="not the file that was published"):
        published.fetch(SPEC, SIZE, ignore)


def test_what_is_not_there_is_downloaded_once_and_told_of(
    place: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, content)
    told: list[str] = []
    first = published.fetch(SPEC, SIZE, told.append)
    assert told[0].startswith("downloading squeezenet1_1 IMAGENET1K_V1: 1 MB (")
    assert told[-1].endswith("(100 %)")
    assert [path.name for path in place.parent.iterdir()] == [place.name]
    serve(monkeypatch, b"")
    assert published.fetch(SPEC, SIZE, ignore).sha256 == first.sha256


@pytest.mark.parametrize(("sent", "length", "why"), [(b"x", 1, "not what"), (b"", 9, "cut off")])
def test_what_comes_wrong_is_not_kept(
    place: Path, monkeypatch: pytest.MonkeyPatch, sent: bytes, length: int, why: str
) -> None:
    serve(monkeypatch, sent, length)
    with pytest.raises(Unavailable, match=f"cannot download squeezenet1_1 .*{why}"):
        published.fetch(SPEC, SIZE, ignore)
    assert list(place.parent.iterdir()) == []


def test_without_network_it_says_what_to_put_where(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(*_: Any, **__: Any) -> None:
        raise URLError(OSError(-2, "Name or service not known"))

    monkeypatch.setattr(web, "urlopen", absent)
    with pytest.raises(Unavailable) as refused:
        published.fetch(SPEC, SIZE, ignore)
    words = str(refused.value)
    assert f"https://example.org/{place.name}" in words
    assert str(place) in words
    assert "Name or service not known" in words
