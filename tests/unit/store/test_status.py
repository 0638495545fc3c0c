import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tracker.errors import Damaged
from tracker.store.active import ActiveRun
from tracker.store.status import stamp

Begin = Callable[..., ActiveRun]


def test_stamps_sort_as_time_does_whatever_the_zone() -> None:
    east = datetime(2026, 1, 1, 1, 0, 0, 5000, timezone(timedelta(hours=2)))
    assert stamp(east) == "2025-12-31T23:00:00.005+00:00"
    assert stamp(east) < stamp(east + timedelta(milliseconds=1))


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({}, "running"),
        ({"boot_id": "another boot"}, "crashed"),
        ({"process_start": "1"}, "crashed"),
        ({"pid": 2**22 + 1}, "crashed"),
        ({"host": "elsewhere"}, "running"),
        ({"kernel_lock": True}, "crashed"),
    ],
)
def test_without_locks_the_recorded_process_is_asked_for(
    begin: Begin, change: Callable[..., None], changed: dict[str, Any], state: str
) -> None:
    active = begin()
    active._lock.release()
    change(active.run.status_file, **{"kernel_lock": False, **changed})
    assert active.run.state() == state


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "{}", '{"schema_version": 1}'])
def test_a_torn_status_makes_a_run_damaged(begin: Begin, content: str) -> None:
    run = begin().run
    run.status_file.write_text(content)
    assert run.state() == "damaged"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"schema_version": 2}, "was written by a newer tracker (schema 2): update tracker"),
        ({"schema_version": True}, "has no schema_version"),
        ({"state": "perfect\x1b"}, "no such state: perfect\\x1b"),
        ({"pid": "12"}, "pid cannot be a str"),
        ({"step": True}, "step cannot be a bool"),
        ({"epoch": None}, "epoch cannot be a NoneType"),
        ({"started": "yesterday"}, "no time: yesterday"),
        ({"ended": "2026-01-01T00:00:00"}, "a time without its zone"),
    ],
)
def test_a_status_of_another_shape_is_damaged_and_says_how(
    begin: Begin, change: Callable[..., None], changed: dict[str, Any], words: str
) -> None:
    run = begin().run
    change(run.status_file, **changed)
    with pytest.raises(Damaged, match=re.escape(words)):
        run.status()
    run.status_file.unlink()
    with pytest.raises(Damaged, match="is missing"):
        run.status()
