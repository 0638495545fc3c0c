"""CIFAR-10 from files in the true format: what is read, what is refused, what is left behind."""

import hashlib
import io
import pickle
import tarfile
import threading
import urllib.error
from collections.abc import Callable, Iterator
from functools import partial
from http.client import IncompleteRead
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.datasets import CIFAR10

from tracker.data import cifar10
from tracker.data.dataset import Dataset, balanced_subset, digest_of
from tracker.data.progress import Progress
from tracker.errors import Damaged, Unavailable
from tracker.spec import experiment

NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
PER_BATCH = 20


class _OldDtype:
    """Pickles as uint8 does in NumPy 1, which wrote the published files."""

    def __reduce__(self) -> tuple[Any, ...]:
        return np.dtype, ("u1", 0, 1), (3, "|", None, None, None, -1, -1, 0)


class _OldArray:
    """Pickles as an array does in NumPy 1."""

    def __init__(self, array: Any) -> None:
        self._array = array

    def __reduce__(self) -> tuple[Any, ...]:
        function, arguments, state = self._array.__reduce__()
        return function, arguments, (state[0], state[1], _OldDtype(), *state[3:])


def pickled(value: Any) -> bytes:
    return pickle.dumps(value, protocol=2).replace(b"numpy._core", b"numpy.core")


def batch(number: int) -> dict[str, Any]:
    rng = np.random.default_rng(number)
    return {
        "batch_label": f"batch {number}",
        "labels": [int(label) for label in rng.permutation(np.arange(PER_BATCH) % 10)],
        "data": rng.integers(0, 256, (PER_BATCH, 3072), np.uint8),
        "filenames": [f"picture_{i}.png" for i in range(PER_BATCH)],
    }


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """The eight files by name, small, their MD5s given to torchvision as the published ones."""
    names = [name for name, _ in (*CIFAR10.train_list, *CIFAR10.test_list)]
    made = {
        name: pickled({**(content := batch(i)), "data": _OldArray(content["data"])})
        for i, name in enumerate(names)
    }
    made["batches.meta"] = pickled({"num_cases_per_batch": PER_BATCH, "label_names": NAMES})

    def sums(names: list[str]) -> list[list[str]]:
        return [[name, md5(made[name])] for name in names]

    monkeypatch.setattr(CIFAR10, "train_list", sums(names[:5]))
    monkeypatch.setattr(CIFAR10, "test_list", sums(names[5:]))
    monkeypatch.setattr(CIFAR10, "meta", {**CIFAR10.meta, "md5": md5(made["batches.meta"])})
    return {**made, "readme.html": b"<html></html>"}


@pytest.fixture
def archive(files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> bytes:
    """The files as a tar.gz whose MD5 torchvision takes for the published one."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{CIFAR10.base_folder}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    monkeypatch.setattr(CIFAR10, "tgz_md5", md5(buffer.getvalue()))
    return buffer.getvalue()


class Server(HTTPServer):
    """A web server on this machine that has one file, or refuses."""

    answer: Callable[[], bytes]

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        try:
            content = self.server.answer()
        except FileNotFoundError as error:
            self.send_error(404, str(error))
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        pass


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The place that the archive is published at; who asks it unasked for is told off."""
    with Server() as server:
        server.answer = lambda: pytest.fail("nobody asked for a download")
        address = f"http://127.0.0.1:{server.server_port}/cifar-10-python.tar.gz"
        monkeypatch.setattr(CIFAR10, "url", address)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _no_web(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CIFAR10, "url", "http://127.0.0.1:9/nobody-is-there")


def spec(root: Path, **changes: Any) -> experiment.Cifar10:
    fields: dict[str, Any] = {
        "name": "cifar10",
        "root": str(root),
        "download": False,
        "train_size": None,
        "val_size": None,
        "augment": (),
        "crop_padding": 4,
        "cutout_size": 8,
    }
    return experiment.Cifar10(**{**fields, **changes})


def build(root: Path, **changes: Any) -> Dataset:
    return cifar10.build(spec(root, **changes), lambda _: None)


def unpack(files: dict[str, bytes], root: Path) -> Path:
    folder: Path = root / CIFAR10.base_folder
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def pixels(numbers: range) -> Tensor:
    return torch.cat([torch.from_numpy(batch(i)["data"]).view(-1, 3, 32, 32) for i in numbers])


def labels(numbers: range) -> list[int]:
    return [label for i in numbers for label in batch(i)["labels"]]


def images(dataset: Dataset) -> tuple[Tensor, Tensor]:
    assert isinstance(dataset.train.images, Tensor)
    assert isinstance(dataset.val.images, Tensor)
    return dataset.train.images, dataset.val.images


def test_the_extracted_folder_is_read_as_it_is(files: dict[str, bytes], tmp_path: Path) -> None:
    unpack(files, tmp_path)

    dataset = build(tmp_path)

    train, val = images(dataset)
    assert torch.equal(train, pixels(range(5)))
    assert torch.equal(val, pixels(range(5, 6)))
    assert train.is_contiguous()
    assert dataset.train.labels.tolist() == labels(range(5))
    assert dataset.val.labels.tolist() == labels(range(5, 6))
    assert dataset.train.labels.dtype == torch.int64
    assert dataset.classes == tuple(NAMES)
    assert (dataset.name, dataset.image_size) == ("cifar10", 32)
    assert dataset.digest == digest_of(dataset.train, dataset.val)
    assert dataset.val.labels[dataset.reference[:10]].tolist() == list(range(10))


def test_of_two_classes_only_they_are_read(files: dict[str, bytes], tmp_path: Path) -> None:
    unpack(files, tmp_path)
    theirs = torch.tensor(labels(range(5)))
    places = ((theirs == 3) | (theirs == 5)).nonzero()[:, 0]

    dataset = build(tmp_path, classes=("dog", "cat"), train_size=12, val_size=None)

    kept = places[balanced_subset((theirs[places] == 5).long(), 12)]
    assert torch.equal(images(dataset)[0], pixels(range(5))[kept])
    assert dataset.classes == ("cat", "dog")
    assert torch.bincount(dataset.train.labels).tolist() == [6, 6]
    assert torch.bincount(dataset.val.labels).tolist() == [2, 2]


def test_mean_and_deviation_are_those_of_the_training_pictures(
    files: dict[str, bytes], tmp_path: Path
) -> None:
    unpack(files, tmp_path)
    floats = pixels(range(5)).double().transpose(0, 1).reshape(3, -1) / 255

    dataset = build(tmp_path)

    assert dataset.mean == pytest.approx(floats.mean(1).tolist(), abs=1e-12)
    assert dataset.std == pytest.approx(floats.std(1, correction=0).tolist(), abs=1e-12)


def test_a_smaller_set_is_the_fixed_balanced_part(files: dict[str, bytes], tmp_path: Path) -> None:
    unpack(files, tmp_path)
    kept = balanced_subset(torch.tensor(labels(range(5))), 30)

    dataset = build(tmp_path, train_size=30, val_size=10)

    train, _ = images(dataset)
    assert torch.equal(train, pixels(range(5))[kept])
    assert dataset.train.labels.bincount().tolist() == [3] * 10
    assert dataset.val.labels.bincount().tolist() == [1] * 10
    assert dataset.digest != build(tmp_path).digest


@pytest.mark.parametrize("download", [True, False])
def test_an_archive_that_lies_there_is_unpacked_and_kept(
    archive: bytes, download: bool, tmp_path: Path
) -> None:
    (tmp_path / CIFAR10.filename).write_bytes(archive)

    train, _ = images(build(tmp_path, download=download))

    assert torch.equal(train, pixels(range(5)))
    assert (tmp_path / CIFAR10.filename).read_bytes() == archive
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        CIFAR10.base_folder,
        CIFAR10.filename,
    ]


def test_a_download_leaves_the_folder_and_nothing_else(
    archive: bytes, web: Server, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    web.answer = lambda: archive
    root = tmp_path / "new" / "data"
    said: list[str] = []

    train, _ = images(cifar10.build(spec(root, download=True), said.append))

    assert torch.equal(train, pixels(range(5)))
    assert web.asked == ["/cifar-10-python.tar.gz"]
    assert [path.name for path in root.iterdir()] == [CIFAR10.base_folder]
    assert said == [f"downloading CIFAR-10 (170 MB) into {root}"]
    assert capfd.readouterr() == ("", "")
    assert torch.equal(images(build(root))[0], train), "and is there the next time"


def test_a_long_download_says_how_far_it_is(
    archive: bytes, web: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.answer = lambda: archive
    size = len(archive) // 40  # of a part
    monkeypatch.setattr("tracker.web._CHUNK", size)
    seconds = iter(range(0, 1000, 2))
    slow = partial(Progress, clock=lambda: next(seconds))
    monkeypatch.setattr(cifar10, "Progress", slow)
    said: list[str] = []

    cifar10.build(spec(tmp_path, download=True), said.append)

    megabytes = f"of {len(archive) / 1e6:.0f} MB"
    assert said[0] == f"downloading CIFAR-10 (170 MB) into {tmp_path}"
    assert all(line.startswith("received 0 ") and megabytes in line for line in said[1:])
    left = [int(line.split(", ")[1].split()[0]) for line in said[1:] if " min " not in line]
    assert left == sorted(left, reverse=True)
    assert 10 <= len(said) <= 20


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            urllib.error.URLError(OSError(-2, "Name or service not known")),
            "Name or service not known",
        ),
        (urllib.error.HTTPError("http://x", 404, "Not Found", None, None), "Not Found"),  # type: ignore[arg-type]
        (TimeoutError("timed out"), "timed out"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (IncompleteRead(b"", 3), "IncompleteRead(0 bytes read, 3 more expected)"),
        (ValueError("unknown url"), "unknown url"),
    ],
)
def test_a_failed_download_names_both_remedies_and_leaves_nothing(
    error: Exception,
    reason: str,
    files: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("tracker.web.urlopen", fail)
    (tmp_path / "mine").mkdir()
    root = tmp_path / "mine" / "new" / "data"

    with pytest.raises(Unavailable) as raised:
        build(root, download=True)

    message = str(raised.value)
    assert f"CIFAR-10 is not in {root} and cannot be put there ({reason}). Either " in message
    assert f"download {CIFAR10.url} by other means and put it into {root}, or use " in message
    assert "--set data.name=image_folder --set data.root=" in message
    assert "\n" not in message
    assert list(tmp_path.rglob("*")) == [tmp_path / "mine"]


def test_a_server_that_has_it_not_is_quoted(
    files: dict[str, bytes], web: Server, tmp_path: Path
) -> None:
    def refuse() -> bytes:
        raise FileNotFoundError("Gone")

    web.answer = refuse

    with pytest.raises(Unavailable, match=r"cannot be put there \(Gone\)"):
        build(tmp_path / "data", download=True)

    assert list(tmp_path.iterdir()) == []


def test_a_download_that_is_not_the_published_archive_is_refused(
    archive: bytes, web: Server, tmp_path: Path
) -> None:
    web.answer = lambda: archive[:-10] + b"0123456789"

    with pytest.raises(Unavailable, match=r"does not have the MD5 of the published archive"):
        build(tmp_path, download=True)

    assert list(tmp_path.iterdir()) == []


def test_what_others_put_there_during_a_failed_download_stays(
    files: dict[str, bytes], web: Server, tmp_path: Path
) -> None:
    def fail() -> bytes:
        (tmp_path / "data" / "notes.txt").write_text("mine")
        raise FileNotFoundError("Gone")

    web.answer = fail

    with pytest.raises(Unavailable):
        build(tmp_path / "data", download=True)

    assert [path.name for path in (tmp_path / "data").iterdir()] == ["notes.txt"]


def test_another_process_may_be_quicker(
    files: dict[str, bytes], archive: bytes, web: Server, tmp_path: Path
) -> None:
    def answer() -> bytes:
        unpack(files, tmp_path)
        return archive

    web.answer = answer

    assert torch.equal(images(build(tmp_path, download=True))[0], pixels(range(5)))


def test_nothing_is_downloaded_unasked(files: dict[str, bytes], tmp_path: Path) -> None:
    root = tmp_path / "data"

    with pytest.raises(Unavailable, match=r"data\.download=true\) or use class folders: --set"):
        build(root)

    assert not root.exists()


def test_a_root_that_is_a_file_is_said(files: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "data").write_text("mine")

    with pytest.raises(Unavailable, match=r"cannot be put there \(File exists\)"):
        build(tmp_path / "data", download=True)

    assert (tmp_path / "data").read_text() == "mine"


@pytest.mark.parametrize("download", [True, False])
def test_damaged_files_are_named_and_kept(
    files: dict[str, bytes], download: bool, tmp_path: Path
) -> None:
    folder = unpack(files, tmp_path)
    (folder / "data_batch_2").write_bytes(files["data_batch_2"][:-1])
    (folder / "data_batch_4").unlink()

    with pytest.raises(Damaged) as raised:
        build(tmp_path, download=download)

    assert str(raised.value) == (
        f"CIFAR-10 in {folder} is not whole: data_batch_2 does not have its MD5; "
        f"data_batch_4 is missing. Delete {folder} and run again"
    )
    assert (folder / "data_batch_2").exists()


def test_damaged_names_of_classes_are_seen(files: dict[str, bytes], tmp_path: Path) -> None:
    folder = unpack(files, tmp_path)
    (folder / "batches.meta").write_bytes(b"")

    with pytest.raises(Damaged, match=r"batches\.meta does not have its MD5"):
        build(tmp_path)


def test_a_pickle_that_is_not_the_published_one_is_never_opened(
    files: dict[str, bytes], tmp_path: Path
) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (tmp_path / "sprung").touch, ()

    folder = unpack(files, tmp_path)
    for name in files:
        (folder / name).write_bytes(pickle.dumps(Trap()))

    with pytest.raises(Damaged):
        build(tmp_path)

    assert not (tmp_path / "sprung").exists()


def test_a_damaged_archive_is_named_and_kept(archive: bytes, tmp_path: Path) -> None:
    path = tmp_path / CIFAR10.filename
    path.write_bytes(archive[:100])

    with pytest.raises(Damaged, match=r"does not have the MD5 .* Delete it and run again"):
        build(tmp_path, download=True)

    assert path.read_bytes() == archive[:100]
    assert list(tmp_path.iterdir()) == [path]
