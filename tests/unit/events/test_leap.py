import io
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.events import leap
from tracker.events.record import Sizes, find, frame, split_singly

lengths = st.integers(0, 40)


def both(data: bytes) -> tuple[list[int], int, str]:
    """What both ways find, which must be the same, remembered headers included."""
    plain: Sizes = {}
    fast: Sizes = {}
    found = split_singly(data, plain)
    assert leap.split(data, fast) == found
    assert fast.items() <= plain.items()
    return found


def written(sizes: list[int]) -> bytes:
    return b"".join(frame(bytes([number % 251]) * size) for number, size in enumerate(sizes))


@given(st.lists(lengths, min_size=1, max_size=12), st.integers(0, 400), st.data())
def test_repeated_lengths_are_found_however_the_file_ends(
    turn: list[int], turns: int, draw: st.DataObject
) -> None:
    before = draw.draw(st.lists(lengths, max_size=5))
    after = draw.draw(st.lists(lengths, max_size=5))
    data = written([*before, *turn * turns, *after])
    starts, _, reason = both(data)
    assert (len(starts) - 1, starts[-1], reason) == (
        len(before) + len(turn) * turns + len(after),
        len(data),
        "",
    )
    both(data[: draw.draw(st.integers(0, len(data)))])


@given(st.lists(st.tuples(lengths, st.integers(1, 120)), max_size=8))
def test_runs_of_one_length_end_where_they_do(runs: list[tuple[int, int]]) -> None:
    sizes = [size for size, count in runs for _ in range(count)]
    starts, _, _ = both(written(sizes))
    assert [end - start - 16 for start, end in pairwise(starts)] == sizes


@given(st.integers(0, 12 * 8 - 1), st.integers(0, 499))
def test_a_bit_flipped_in_any_header_ends_both_at_the_same_place(bit: int, record: int) -> None:
    data = bytearray(written([20, 31] * 250))
    at = record // 2 * (20 + 31 + 32) + record % 2 * (20 + 16)
    data[at + bit // 8] ^= 1 << bit % 8
    starts, _, reason = both(bytes(data))
    assert (starts[-1], reason) == (at, "wrong checksum of a length")


def test_a_cycle_longer_than_what_is_looked_back_on_is_walked() -> None:
    turn = [number % 97 for number in range(2 * leap._SEEN)]
    starts, _, _ = both(written(turn * 3))
    assert len(starts) == len(turn) * 3 + 1


def test_what_repeats_is_not_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    walked = io.StringIO()

    def counted(*given: object) -> object:
        walked.write("x" * given[-1])  # type: ignore[operator]
        return find(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(leap, "find", counted)
    data = written([30, 40, 30, 50] * 2000)
    leap.split(data, {})
    assert len(walked.getvalue()) == 2 * leap._WALKED
