import contextlib
import errno
import json
import math
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import Damaged, Unavailable, UsageError, printable
from tracker.store import files


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_an_atomic_write_replaces_the_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "f"
    files.write_atomic(path, "old")
    files.write_atomic(path, memoryview(b"new \xff"))
    assert path.read_bytes() == b"new \xff"
    assert names(tmp_path) == ["f"]


def test_a_written_file_has_the_permissions_the_umask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        files.write_atomic(tmp_path / "f", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o640


@pytest.mark.parametrize("step", ["os.fsync", "pathlib.Path.replace"])
def test_a_failed_write_keeps_the_old_file_and_takes_its_own_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "f"
    files.write_atomic(path, "old")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(step, fail)
    with pytest.raises(Unavailable, match=r"cannot write .*f: disk full; free some space"):
        files.write_atomic(path, "new")
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["f"]


def test_a_link_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    link = tmp_path / "last.pt"
    files.link_atomic(link, "a")
    files.link_atomic(link, "b")
    assert link.readlink() == Path("b")
    assert names(tmp_path) == ["last.pt"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "disk full; free some space"),
        (errno.EDQUOT, "disk quota reached"),
        (errno.EACCES, "permission denied"),
        (errno.EROFS, "the file system is read-only"),
        (errno.EIO, "the disk reports an error"),
        (errno.EBUSY, "resource busy"),  # one without a remedy of its own
    ],
)
def test_an_os_error_is_explained(code: int, words: str) -> None:
    with (
        pytest.raises(Unavailable) as caught,
        files.explain_os_error("save", Path("a\x1b[31m/b")),
    ):
        raise OSError(code, "resource busy")
    assert str(caught.value).startswith(f"cannot save a\\x1b[31m/b: {words}")
    assert isinstance(caught.value.__cause__, OSError)
    assert files.is_disk_full(caught.value) == (code in (errno.ENOSPC, errno.EDQUOT))


def test_json_is_strict_whatever_the_numbers(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    files.write_json(path, {"b": [math.nan, math.inf, 1.5], "a": ("é", "\udcff")})
    assert "é" in path.read_text()
    assert files.read_json(path) == {"b": [None, None, 1.5], "a": ["é", "\udcff"]}
    assert list(files.read_json(path)) == ["b", "a"]


def test_numbers_are_as_large_as_anything_can_compute_with(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    numbers = [2**63 - 1, 1 - 2**63, 1.7e308, -1.7e308, 5e-324, 0]
    files.write_json(path, numbers)
    assert files.read_json(path) == numbers


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_json_comes_back_as_it_went(value: object) -> None:
    assert json.loads(files.to_json(value)) == value


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b'{"a": 1', b"\xff\xfe", b"NaN", b'{"a": Infinity}', b"[" * 100_000, b"{} {}"),
        *(b"1e999", b"[-1e999]", b"1" * 20, b"-%d" % 2**63, b"%d" % 2**63, b"1" * 10**6),
    ],
)
def test_what_is_no_json_is_damaged(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "f.json"
    path.write_bytes(content)
    with pytest.raises(Damaged, match=r"f\.json is not the JSON tracker wrote"):
        files.read_json(path)


def test_what_is_no_file_is_damaged_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(Damaged, match="is not a regular file"):
            files.read_json(tmp_path / name)
    with pytest.raises(Damaged, match="is missing"):
        files.read_json(tmp_path / "nothing")
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(files.JSON_LIMIT + 1)
    with pytest.raises(Damaged, match="is larger than"):
        files.read_json(tmp_path / "huge")


def test_a_loop_of_links_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(Unavailable, match="cannot read"):
        files.read_json(tmp_path / "loop")


@given(st.text())
def test_printable_text_is_printable_and_plain_text_stays(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert shown == text or not text.isprintable()


@given(st.text(), st.sampled_from(["", "\n", "\n\t"]))
def test_what_is_kept_stays_and_the_rest_is_printable(text: str, keep: str) -> None:
    shown = printable(text, keep=keep)
    plain = "".join(one if one in keep else printable(one) for one in text)
    assert shown == plain


def test_one_line_is_cut_where_it_is_long() -> None:
    assert files.one_line("a\n b\x1b", 10) == "a b\\x1b"
    assert files.one_line("abcdef", 4) == "abc…"


@given(
    st.lists(
        st.text(max_size=20) | st.sampled_from(["..", ".", "a/b", "/etc", "C:\\x"]), min_size=1
    )
)
def test_joined_names_stay_below_the_root(names: list[str]) -> None:
    root = Path("/nowhere/runs")
    with contextlib.suppress(UsageError):
        path = files.safe_join(root, *names)
        assert path.parts[: len(root.parts)] == root.parts
        assert path.parts[len(root.parts) :] == tuple(names)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "/etc", "a/b", "a\\b", ".git", "-x", "a\0", "a\n", "\x1b[2J",
             "\u202etxt", "é" * 128, "\udcff"]
)  # fmt: skip
def test_a_name_that_could_hurt_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a folder") as caught:
        files.safe_join(tmp_path, "e", name)
    assert str(caught.value).isprintable()


def test_a_link_may_lead_around_inside_the_root_but_not_out(tmp_path: Path) -> None:
    root = tmp_path / "runs"
    (root / "real").mkdir(parents=True)
    (root / "inside").symlink_to("real")
    (root / "outside").symlink_to(tmp_path)
    (root / "sibling").symlink_to(tmp_path / "runs-of-others")
    assert files.safe_join(root, "inside", "s0") == root / "inside" / "s0"
    for name in ("outside", "sibling"):
        with pytest.raises(Damaged, match="leads out of"):
            files.safe_join(root, name, "s0")


def test_what_is_written_piece_by_piece_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "long.csv"
    target.write_text("old")
    with files.replacing(target) as file:
        file.write(b"new ")
        assert target.read_text() == "old"
        file.write(b"text")
    assert target.read_text() == "new text"


def test_what_is_broken_off_leaves_the_old_file_alone(tmp_path: Path) -> None:
    target = tmp_path / "long.csv"
    target.write_text("old")
    with contextlib.suppress(KeyboardInterrupt), files.replacing(target) as file:
        file.write(b"new")
        raise KeyboardInterrupt
    assert target.read_text() == "old"
    assert names(tmp_path) == ["long.csv"]


def test_a_disk_that_refuses_in_the_middle_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(Unavailable, match=r"cannot write .*long\.csv: disk full"),
        files.replacing(tmp_path / "long.csv"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []
