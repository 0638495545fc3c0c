"""What nobody would write is answered in words: a slice of what `make fuzz` does."""

import time
from dataclasses import replace
from typing import Any

import pytest

from tests.faults.fuzz import bench, fuzz

CASES = 2_000  # a few seconds; one that is slow does less
SECONDS = 60.0


@pytest.mark.slow
def test_whatever_is_asked_is_answered_in_words() -> None:
    figures = fuzz(CASES, seed=1, until=time.monotonic() + SECONDS)
    assert figures.failures == []
    assert figures.cases >= 200
    codes = {kind: set(count) for kind, count in figures.codes.items()}
    assert codes["experiment file"] == {0, 2}
    assert {0, 2, 3} <= codes["command line"]
    assert {0, 5} <= codes["file of a run"]


def test_a_case_is_the_same_whenever_it_is_asked() -> None:
    with bench() as one:
        asked = [one.case(name)[0] for name in ("3:1", "3:2", "3:1")]
    assert (asked[0].kind, asked[0].code) == (asked[2].kind, asked[2].code)
    assert asked[0].asked == asked[2].asked


def test_what_is_wrong_is_noticed() -> None:
    with bench() as one:
        answer, fault = one.case("3:1")
        assert fault == ""
        (one.folder / "left-behind").touch()
        assert "left-behind" in one.case("3:1")[1]
        (one.folder / "left-behind").unlink()
        wrongs: list[tuple[dict[str, Any], str]] = [
            ({"code": 70}, "exit code 70"),
            ({"said": "Traceback (most"}, "a traceback"),
            ({"said": "\x1b[2J"}, "control characters"),
            ({"code": 2, "said": ""}, "no word"),
            ({"seconds": 60.0}, "60.0 s"),
        ]
        for wrong, word in wrongs:
            assert one.fault(replace(answer, **wrong)) == word
