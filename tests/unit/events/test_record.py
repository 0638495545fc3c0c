import io
import os
import tracemalloc
from pathlib import Path

import pytest
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c
from tensorboard.summary.writer.record_writer import RecordWriter

from tracker.events import record
from tracker.events.record import BAD_PAYLOAD, MAX_PAYLOAD, Damage, Report, Scan

PAYLOADS = [b"brain.Event:2", b"", b"x", bytes(range(40))]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "events.out.tfevents.1.host.2.0"
    path.write_bytes(b"".join(map(record.frame, PAYLOADS)))
    return path


def _scan(path: Path) -> tuple[list[bytes], Report]:
    scan = Scan(path)
    payloads = [payload for _, payload in scan]
    return payloads, scan.report


def test_checksum_is_the_one_of_the_format() -> None:
    assert record.mask(0xE3069283) == record.masked_crc(b"123456789")  # RFC 3720, B.4
    for payload in PAYLOADS:
        assert record.masked_crc(payload) == masked_crc32c(payload)


def test_frame_is_what_tensorboard_writes() -> None:
    theirs = io.BytesIO()
    for payload in PAYLOADS:
        RecordWriter(theirs).write(payload)
    assert b"".join(map(record.frame, PAYLOADS)) == theirs.getvalue()


def test_scan_gives_offsets_and_payloads(file: Path) -> None:
    assert list(Scan(file)) == [(0, PAYLOADS[0]), (29, b""), (45, b"x"), (62, PAYLOADS[3])]
    assert _scan(file)[1] == Report(file, 4, file.stat().st_size, 0, None)


def test_cut_anywhere_gives_the_whole_records_and_counts_the_torn_bytes(file: Path) -> None:
    data = file.read_bytes()
    ends = [0, 29, 45, 62, 118]
    for length in range(len(data) + 1):
        file.write_bytes(data[:length])
        payloads, report = _scan(file)
        whole = max(index for index, end in enumerate(ends) if end <= length)
        assert payloads == PAYLOADS[:whole]
        assert report == Report(file, whole, ends[whole], length - ends[whole], None)


def test_every_flipped_bit_is_found_where_it_is(file: Path) -> None:
    data = file.read_bytes()
    starts = [0, 29, 45, 62, 118]
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        file.write_bytes(flipped)
        payloads, report = _scan(file)
        hit = max(index for index, start in enumerate(starts) if start <= bit // 8)
        assert payloads == PAYLOADS[:hit]
        assert report.damage is not None
        assert report.damage.offset == report.size == starts[hit]
        assert report.records == hit


@pytest.mark.parametrize("size", [1, 2, 7, 28, 29, 30, 64])
def test_result_does_not_depend_on_how_much_is_read_at_once(
    file: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "_CHUNK", size)
    payloads, report = _scan(file)
    assert payloads == PAYLOADS
    assert report == Report(file, 4, file.stat().st_size, 0, None)
    data = bytearray(file.read_bytes())
    data[70] ^= 1
    file.write_bytes(data + b"torn")
    payloads, report = _scan(file)
    assert payloads == PAYLOADS[:3]
    assert report == Report(file, 3, 62, 0, Damage(62, "wrong checksum of a length"))


def test_record_larger_than_a_read_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "large"
    large = os.urandom(3_000_000)
    path.write_bytes(record.frame(b"a") + record.frame(large) + record.frame(b"b"))
    assert _scan(path)[0] == [b"a", large, b"b"]


@pytest.mark.parametrize(
    ("tail", "reason"),
    [
        (bytes(4096), "wrong checksum of a length"),
        (b"a text file that got into the way", "wrong checksum of a length"),
        (record.header(1 << 40) + b"x", f"a record of {1 << 40} bytes"),
        (record.header((1 << 64) - 1), f"a record of {(1 << 64) - 1} bytes"),
        (record.frame(b"fine")[:-1] + b"!", BAD_PAYLOAD),
    ],
)
def test_what_follows_good_records_is_reported(file: Path, tail: bytes, reason: str) -> None:
    size = file.stat().st_size
    file.write_bytes(file.read_bytes() + tail)
    payloads, report = _scan(file)
    assert payloads == PAYLOADS
    assert report == Report(file, 4, size, 0, Damage(size, reason))


def test_length_that_the_file_does_not_have_claims_no_memory(file: Path) -> None:
    size = file.stat().st_size
    file.write_bytes(file.read_bytes() + record.header(MAX_PAYLOAD) + b"short")
    tracemalloc.start()
    try:
        payloads, report = _scan(file)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert payloads == PAYLOADS
    assert report == Report(file, 4, size, 17, None)
    assert peak < 1_000_000


def test_what_is_no_file_is_damage(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert _scan(fifo) == ([], Report(fifo, 0, 0, 0, Damage(0, "not a regular file")))
    for path in (tmp_path, loop, tmp_path / "missing"):
        payloads, report = _scan(path)
        assert payloads == []
        assert report.damage is not None
        assert report.damage.reason.startswith("cannot be read: ")


def test_empty_file_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.touch()
    assert _scan(path) == ([], Report(path, 0, 0, 0, None))


def test_error_while_reading_is_damage(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(record, "split_singly", fail)
    assert _scan(file)[1].damage == Damage(0, "cannot be read: Input/output error")
