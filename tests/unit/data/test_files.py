"""Pictures decoded on demand: the same bytes from any number of workers, and clear ends."""

import os
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from tracker.data import files
from tracker.data.decode import Decoder
from tracker.data.files import Files, refusal
from tracker.errors import Damaged

COUNT = 13


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for number in range(COUNT):
        pixels = rng.integers(0, 256, (12 + number, 16, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number:02}.png")
    return tmp_path


def opened(folder: Path, workers: int = 0) -> Files:
    names = [f"{number:02}.png" for number in range(COUNT)]
    return Files(folder, names, Decoder(8), workers=workers)


def everything(folder: Path) -> Tensor:
    return opened(folder).fetch(torch.arange(COUNT))


PLAN = [torch.tensor(batch) for batch in ([3, 1], [12, 0, 3], [5], [7, 8, 9, 10])]


def test_fetch_gives_what_is_asked_for_in_that_order(folder: Path) -> None:
    pictures = opened(folder).fetch(torch.tensor([3, 0, 3]))
    assert (pictures.shape, pictures.dtype) == ((3, 3, 8, 8), torch.uint8)
    assert torch.equal(pictures, everything(folder)[[3, 0, 3]])
    assert len(everything(folder).flatten(1).unique(dim=0)) == COUNT
    assert opened(folder).fetch(torch.tensor([], dtype=torch.int64)).shape == (0, 3, 8, 8)


@pytest.mark.parametrize("workers", [0, 1, 2, 6])
def test_any_number_of_workers_streams_the_same(workers: int, folder: Path) -> None:
    streamed = list(opened(folder, workers).stream(PLAN))
    whole = everything(folder)
    assert len(streamed) == len(PLAN)
    for batch, indices in zip(streamed, PLAN, strict=True):
        assert torch.equal(batch, whole[indices])


def decoders() -> list[str]:
    """The threads that decode now."""
    return [one.name for one in threading.enumerate() if one.name.startswith("decoder")]


def test_threads_end_with_the_stream_however_it_ends(folder: Path) -> None:
    stream = opened(folder, 3).stream(PLAN)
    assert not decoders()
    next(stream)
    assert 1 <= len(decoders()) <= 3
    del stream
    assert not decoders()
    list(opened(folder, 3).stream(PLAN))
    assert not decoders()


def test_no_more_is_decoded_ahead_than_keeps_the_threads_busy(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[Path] = []
    decode = Decoder.__call__

    def counted(self: Decoder, paths: list[Path], into: Any) -> list[str]:
        decoded.extend(paths)
        return decode(self, paths, into)

    monkeypatch.setattr(Decoder, "__call__", counted)
    stream = opened(folder, 2).stream([torch.arange(6)] * 100)
    for _ in range(3):
        next(stream)
    deadline = time.monotonic() + 60
    while len(decoded) < 5 * 6 and time.monotonic() < deadline:
        os.sched_yield()
    assert len(decoded) == 5 * 6  # three that were taken, and two shares for each thread
    del stream
    assert len(decoded) == 5 * 6


def test_a_batch_is_shared_out_among_the_threads(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Barrier(3, timeout=60)
    decode = Decoder.__call__

    def met(self: Decoder, paths: list[Path], into: Any) -> list[str]:
        together.wait()
        return decode(self, paths, into)

    monkeypatch.setattr(Decoder, "__call__", met)
    whole = torch.cat(list(opened(folder, 3).stream([torch.arange(COUNT)])))
    monkeypatch.undo()
    assert torch.equal(whole, everything(folder))


def test_filters_of_the_one_who_takes_the_pictures_stay(folder: Path) -> None:
    stream = opened(folder, 2).stream(PLAN)
    next(stream)
    warnings.filterwarnings("ignore", message="mine")
    list(stream)
    warnings.warn("mine", stacklevel=1)


def test_streaming_leaves_the_global_generator_alone(folder: Path) -> None:
    before = torch.get_rng_state()
    list(opened(folder, 2).stream(PLAN))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("threads_chunk", [1, 500, 2**21])
def test_chunks_are_the_whole_in_order(
    threads_chunk: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_CHUNK", threads_chunk)
    faults: list[str] = []
    assert torch.equal(torch.cat(list(opened(folder).chunks(faults))), everything(folder))
    assert faults == []


def test_chunks_go_on_after_a_fault_and_count_them_all(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_CHUNK", 500)
    (folder / "01.png").write_bytes(b"")
    (folder / "11.png").unlink()
    whole = [3, 4, 5]
    faults: list[str] = []

    pictures = torch.cat(list(opened(folder).chunks(faults)))

    assert faults == [
        f"{folder}/01.png (the file is empty)",
        f"{folder}/11.png (not a file, or a link to nowhere)",
    ]
    assert torch.equal(pictures[whole], opened(folder).fetch(torch.tensor(whole)))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_picture_that_broke_since_is_refused_by_name(workers: int, folder: Path) -> None:
    (folder / "00.png").write_bytes(b"")
    with pytest.raises(Damaged) as raised:
        list(opened(folder, workers).stream(PLAN))
    assert str(raised.value) == (
        f"1 of 3 pictures cannot be read: {folder}/00.png (the file is empty). "
        "Replace or remove them and run again"
    )


def test_the_first_faults_are_named_and_the_others_counted() -> None:
    message = str(refusal([f"{i}.jpg (empty)" for i in range(1203)], 50_000))
    assert message == (
        "1,203 of 50,000 pictures cannot be read: 0.jpg (empty); 1.jpg (empty); 2.jpg (empty); "
        "and 1,200 more. Replace or remove them and run again"
    )


def test_names_in_messages_are_printable(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match=r"\\x1b\[2J\.png"):
        Files(tmp_path, ["\x1b[2J.png"], Decoder(8), workers=0).fetch(torch.tensor([0]))
