import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tracker.errors import Damaged, UsageError
from tracker.spec.load import from_document
from tracker.store.asked import asked
from tracker.store.run import Run


@pytest.fixture
def run(tmp_path: Path, make_run: Callable[..., Run]) -> Run:
    return make_run(tmp_path / "runs", seed=3)


def test_what_was_asked_is_an_experiment_again(run: Run) -> None:
    document = {"name": "first", "seed": 3, "model": {"backbone": "resnet50"}}
    assert asked(run) == from_document(document)


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"imported": {}}, UsageError, "first/resnet50/s3 was imported, tracker did not train it"),
        ({"seed": -1}, Damaged, r"experiment\.json: seed"),
    ],
)
def test_what_is_none_is_refused_by_name(
    run: Run, changes: dict[str, object], kind: type[Exception], words: str
) -> None:
    document = json.loads(run.experiment_file.read_text())
    run.experiment_file.write_text(json.dumps(document | changes))
    with pytest.raises(kind, match=words):
        asked(run)


def test_another_kind_of_file_is_damage(run: Run) -> None:
    run.experiment_file.write_text("[]")
    with pytest.raises(Damaged, match="holds no JSON object"):
        asked(run)
