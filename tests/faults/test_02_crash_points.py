"""Rows 2, 4, 5, 6, 7 and 10: killed at each thing it asks of the disk, it comes out the same."""

from pathlib import Path

import pytest

from tests.faults.conftest import figures_of

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("flags", [[], ["--resume"]], ids=["new", "resumed"])
def test_killed_at_any_change_of_the_disk_a_run_goes_on(tmp_path: Path, flags: list[str]) -> None:
    before, amid = figures_of("points", tmp_path, "crash", *flags)
    assert before["failures"] + amid["failures"] == []
    assert before["passed"] == before["points"]
    # That these were met shows that the disk is watched where it matters.
    kinds = {"create", "write", "rename", "truncate"}
    assert kinds <= before["calls"].keys()
    assert flags or {"mkdir", "link", "unlink"} <= before["calls"].keys()
    assert amid["calls"].keys() == {"write"}
    assert before["points"] + amid["points"] >= (20 if flags else 60)
