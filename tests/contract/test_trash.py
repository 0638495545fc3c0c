"""TensorBoard walks every folder, hidden ones too; a removed run must not show there."""

from collections.abc import Callable
from pathlib import Path

from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer

from tracker.store.run import Run
from tracker.store.trash import FOLDER, Trash, choose


def listed(root: Path) -> set[str]:
    return set(EventMultiplexer().AddRunsFromDirectory(str(root)).Runs())


def test_tensorboard_lists_no_removed_run(tmp_path: Path, make_run: Callable[..., Run]) -> None:
    kept, removed = make_run(tmp_path, "resnet50"), make_run(tmp_path, "resnet18")
    assert listed(tmp_path) == {kept.id, removed.id}
    with Trash(tmp_path) as trash:
        trash.put(removed)
    assert listed(tmp_path) == {kept.id}
    with Trash(tmp_path) as trash:
        trash.give_back(choose(tmp_path, removed.id)[0])
    assert listed(tmp_path) == {kept.id, removed.id}


def test_a_hidden_folder_would_not_have_been_enough(
    tmp_path: Path, make_run: Callable[..., Run]
) -> None:
    run = make_run(tmp_path)
    place = tmp_path / FOLDER / run.id
    place.parent.mkdir(parents=True)
    run.path.rename(place)
    assert listed(tmp_path) == {str(FOLDER / run.id)}
