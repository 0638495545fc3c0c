"""Rows 3, 14 and 15: a disk that fails, once or for ever, costs a run nothing it had saved.

`make storm` does the same for every single call, and for what is left out here.
"""

from pathlib import Path

import pytest

from tests.faults.conftest import figures_of

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "trouble", [["EIO"], ["ENOSPC", "--for-ever"], ["EIO", "--resume"]], ids=" ".join
)
def test_whichever_call_fails_it_says_so_and_can_go_on(tmp_path: Path, trouble: list[str]) -> None:
    [figures] = figures_of("points", tmp_path, *trouble)
    assert figures["failures"] == []
    assert figures["points"] >= 50
    assert {"create", "write", "sync", "mkdir"} <= figures["calls"].keys()
