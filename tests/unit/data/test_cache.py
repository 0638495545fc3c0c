"""Files of decoded pictures: right or not found, whole or absent, made once."""

import fcntl
import json
import os
import shutil
import threading
from collections import namedtuple
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tracker.data import cache
from tracker.data.cache import Entry, Facts, find, fits, keep, places, without_keeping, writable
from tracker.errors import Damaged, Unavailable

ENTRY = Entry("0123456789abcdef", train=5, val=2, size=4, pixels=True)
ALONE = Entry("0123456789abcdef", train=5, val=2, size=4, pixels=False)
FACTS = Facts((0.1, 0.2, 0.3), (1 / 3, 0.5, 1.0), "f" * 64)
PICTURES = torch.randint(0, 256, (7, 3, 4, 4), dtype=torch.uint8)

Take = Callable[[Tensor], object]


def make(take: Take, into: Path | None) -> Facts:
    take(PICTURES[:3])
    take(PICTURES[3:])
    return FACTS


def unwanted(take: Take, into: Path | None) -> Facts:
    raise AssertionError("it is there already")


def kept(entry: Entry, place: Path, make: cache.Make = make) -> tuple[Facts, Tensor]:
    return keep(entry, place, make, lambda _: None)


def names(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir())


def test_what_is_kept_is_found_again(tmp_path: Path) -> None:
    for facts, pictures in (kept(ENTRY, tmp_path), kept(ENTRY, tmp_path, unwanted)):
        assert facts == FACTS
        assert torch.equal(pictures, PICTURES)
        assert (pictures.shape, pictures.dtype) == ((7, 3, 4, 4), torch.uint8)
    assert find(ENTRY, [tmp_path / "none", tmp_path]) is not None
    assert names(tmp_path) == ["0123456789abcdef-5+2-4px-v1.pixels"]


def test_pictures_are_mapped_and_not_read(tmp_path: Path) -> None:
    _, pictures = kept(ENTRY, tmp_path)
    path = tmp_path / ENTRY.name
    with path.open("r+b") as file:
        file.write(b"\x07")
    assert pictures[0, 0, 0, 0] == 7


def test_facts_may_be_kept_alone(tmp_path: Path) -> None:
    facts, pictures = kept(ALONE, tmp_path)
    assert facts == FACTS
    assert pictures.shape == (0, 3, 4, 4)
    assert kept(ALONE, tmp_path, unwanted)[0] == FACTS
    assert (tmp_path / ALONE.name).stat().st_size < 1000
    assert find(ENTRY, [tmp_path]) is None


def test_without_a_place_there_are_facts_all_the_same() -> None:
    facts, pictures = without_keeping(ALONE, make)
    assert facts == FACTS
    assert pictures.shape == (0, 3, 4, 4)


def test_make_is_told_where_pixels_will_lie(tmp_path: Path) -> None:
    told: list[Path | None] = []

    def note(take: Take, into: Path | None) -> Facts:
        told.append(into)
        return make(take, into)

    kept(ENTRY, tmp_path, note)
    kept(ALONE, tmp_path, note)
    without_keeping(ALONE, note)
    assert told == [tmp_path, None, None]


@pytest.mark.parametrize(
    "other",
    [
        Entry("f" * 16, 5, 2, 4, pixels=True),
        Entry(ENTRY.key, 4, 3, 4, pixels=True),
        Entry(ENTRY.key, 5, 2, 8, pixels=True),
        Entry(ENTRY.key, 5, 2, 4, pixels=True, resize=5),
        Entry(ENTRY.key, 5, 2, 4, pixels=True, classes=("cat", "dog")),
        Entry(ENTRY.key, 5, 2, 4, pixels=True, interpolation="bicubic"),
    ],
)
def test_other_pictures_have_another_file(other: Entry, tmp_path: Path) -> None:
    kept(ENTRY, tmp_path)
    assert find(other, [tmp_path]) is None


@pytest.mark.parametrize("length", [0, 100, 7 * 48, 7 * 48 + 20])
def test_a_torn_file_is_not_found_and_made_anew(length: int, tmp_path: Path) -> None:
    kept(ENTRY, tmp_path)
    os.truncate(tmp_path / ENTRY.name, length)
    assert find(ENTRY, [tmp_path]) is None
    assert torch.equal(kept(ENTRY, tmp_path)[1], PICTURES)


@pytest.mark.parametrize(
    "facts", [[], {"mean": [1, 2], "std": [1, 2, 3], "digest": ""}, {"mean": [None] * 3}]
)
def test_a_file_with_other_facts_is_not_found(facts: object, tmp_path: Path) -> None:
    (tmp_path / ALONE.name).write_text(json.dumps(facts))
    assert find(ALONE, [tmp_path]) is None


def test_when_making_fails_no_file_is_left(tmp_path: Path) -> None:
    def fail(take: Take, into: Path | None) -> Facts:
        take(PICTURES)
        assert len(names(tmp_path)) == 1
        raise Damaged("3 of 7 pictures cannot be read")

    with pytest.raises(Damaged):
        kept(ENTRY, tmp_path, fail)
    assert names(tmp_path) == []


def test_a_full_disk_is_said_with_what_helps(tmp_path: Path) -> None:
    def fill(take: Take, into: Path | None) -> Facts:
        raise OSError(28, "No space left on device")

    with pytest.raises(Unavailable) as raised:
        kept(ENTRY, tmp_path, fill)
    assert str(raised.value) == (
        f"cannot write {tmp_path / ENTRY.name}: No space left on device; free some space, "
        "or set data.cache to never"
    )
    assert names(tmp_path) == []


def test_only_our_files_about_what_is_no_more_are_removed(tmp_path: Path) -> None:
    old = "fedcba9876543210-5+2-4px-v1"
    same = "0123456789abcdef-5+2-8px-v1"
    mine = ["notes.txt", f"{old}.pixels.bak", "fedcba98-5+2-4px-v1.pixels"]
    young, dead = f"{old}.pixels.77.part", f"{old}.pixels.78.part"
    gone = [f"{old}.pixels", f"{old}.facts", "fedcba9876543210-5+2-4px-v0.pixels"]
    gone += ["fedcba9876543210-5+2-4px-bicubic-v1.pixels"]
    for name in [*mine, young, dead, *gone, f"{same}.pixels"]:
        (tmp_path / name).touch()
    os.utime(tmp_path / dead, (0, 0))

    kept(ENTRY, tmp_path)

    assert names(tmp_path) == sorted([*mine, young, f"{same}.pixels", ENTRY.name])


def test_of_two_at_once_one_works_and_the_other_waits(tmp_path: Path) -> None:
    begun, waiting = threading.Event(), threading.Event()
    said: list[str] = []

    def slow(take: Take, into: Path | None) -> Facts:
        begun.set()
        assert waiting.wait(30)
        return make(take, into)

    def note(line: str) -> None:
        said.append(line)
        waiting.set()

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(kept, ENTRY, tmp_path, slow)
        assert begun.wait(30)
        second = pool.submit(keep, ENTRY, tmp_path, unwanted, note)
        assert torch.equal(first.result()[1], second.result()[1])

    assert said == [f"waiting for another process that fills {tmp_path}"]


def test_where_locks_are_not_known_work_is_done_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert torch.equal(kept(ENTRY, tmp_path)[1], PICTURES)


def test_places_are_the_folder_itself_and_the_persons_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, other = tmp_path / "a", tmp_path / "b"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert places(root)[0] == root / ".tracker-cache"
    assert places(root)[1].parent == tmp_path / "cache" / "tracker" / "pictures"
    assert places(root)[1] != places(other)[1]

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert places(root)[1].parent == tmp_path / ".cache" / "tracker" / "pictures"

    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert len(places(root)) == 1


def test_the_first_place_that_can_be_written_to_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    good = tmp_path / "new" / "folder"
    assert writable([tmp_path / "file" / "below", good, tmp_path]) == good
    assert good.is_dir()
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert writable([good]) is None


def test_half_of_the_disk_and_half_of_the_memory_may_be_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "free")
    memory = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 100}
    monkeypatch.setattr(os, "sysconf", memory.__getitem__)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9))
    assert fits(4096 * 50, tmp_path)
    assert not fits(4096 * 50 + 1, tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1000))
    assert fits(500, tmp_path)
    assert not fits(501, tmp_path)
