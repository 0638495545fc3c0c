"""Cases that are files: `tests/examples/valid` loads, `invalid` is refused in these very words.

A new case is a new file. Of an invalid one, `NAME.txt` holds what `load` says of `NAME.json`.
"""

from pathlib import Path

import pytest

from tracker.errors import SpecError
from tracker.spec.load import load

EXAMPLES = Path(__file__).parents[2] / "examples"
VALID = sorted((EXAMPLES / "valid").glob("*.json"))
INVALID = sorted((EXAMPLES / "invalid").glob("*.json"))


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_valid(path: Path) -> None:
    assert {experiment.name for experiment in load(path)} == {path.stem}


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_invalid(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    with pytest.raises(SpecError) as caught:
        load(Path(path.name))
    assert str(caught.value) + "\n" == path.with_suffix(".txt").read_text(encoding="utf-8")


def test_every_answer_has_its_question() -> None:
    answers = {path.stem for path in (EXAMPLES / "invalid").glob("*.txt")}
    assert answers == {path.stem for path in INVALID}
