"""The table in docs/reliability.md: every row is there, and so is every test it names."""

import re

from tests.faults.conftest import REPOSITORY

ROW = re.compile(r"^\| (\d+) \| [^|]+ \| [^|]+ \|([^|]*)\|$", re.MULTILINE)


def test_every_fault_has_a_test_that_exists() -> None:
    rows = ROW.findall((REPOSITORY / "docs/reliability.md").read_text())
    assert [int(number) for number, _ in rows] == list(range(1, 41))
    without = [number for number, tests in rows if not re.findall(r"`(tests/[^`]+)`", tests)]
    assert without == ["40"]  # says itself why
    for number, tests in rows:
        for path in re.findall(r"`(tests/[^`]+)`", tests):
            assert "def test_" in (REPOSITORY / path).read_text(), number


def test_a_test_called_by_a_row_is_named_in_that_row() -> None:
    rows = dict(ROW.findall((REPOSITORY / "docs/reliability.md").read_text()))
    for path in (REPOSITORY / "tests/faults").glob("test_[0-9][0-9]_*.py"):
        assert path.name in rows[str(int(path.name[5:7]))]
