import tempfile
from pathlib import Path

import pytest

from tracker.reading.serving import view
from tracker.reading.serving.view import View, name_in


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    for run in ("first/a/s0", "first/a/s1", "first/b/s0", "second/a/s0", ".tracker/trash/s0"):
        (tmp_path / "runs" / run).mkdir(parents=True)
        (tmp_path / "runs" / run / "events").write_text(run)
    return tmp_path / "runs"


def seen(logdir: Path) -> dict[str, str]:
    """The runs under a folder, as TensorBoard finds them: through links, by relative path."""
    found = {}
    stack = [logdir]
    while stack:
        for path in stack.pop().iterdir():
            if path.is_dir():
                stack.append(path)
            else:
                found[str(path.parent.relative_to(logdir))] = path.read_text()
    return found


EVERYTHING = ["first/a/s0", "first/a/s1", "first/b/s0", "second/a/s0"]


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ([], {run: run for run in EVERYTHING}),
        (["first"], {"a/s0": "first/a/s0", "a/s1": "first/a/s1", "b/s0": "first/b/s0"}),
        (["first/a"], {"a/s0": "first/a/s0", "a/s1": "first/a/s1"}),
        (["first/a/s1"], {"a/s1": "first/a/s1"}),
        (["first/a/s1", "first/b/s0"], {"a/s1": "first/a/s1", "b/s0": "first/b/s0"}),
        (["first/b", "second/a/s0"], {"first/b/s0": "first/b/s0", "second/a/s0": "second/a/s0"}),
        (["first/b", "first/b/s0", "first/b"], {"b/s0": "first/b/s0"}),
        (
            ["first/b/s0", "first"],
            {"a/s0": "first/a/s0", "a/s1": "first/a/s1", "b/s0": "first/b/s0"},
        ),
    ],
    ids=str,
)
def test_just_the_runs_asked_for_under_short_names(
    root: Path, names: list[str], shown: dict[str, str]
) -> None:
    with View(root, names) as made:
        assert seen(made.logdir) == shown
    for run in EVERYTHING:
        assert name_in(names, run) == {text: name for name, text in shown.items()}.get(run)


def test_an_experiment_with_the_beginning_of_another_s_name(root: Path) -> None:
    (root / "first-2/a/s0").mkdir(parents=True)
    assert name_in(["first"], "first-2/a/s0") is None
    with View(root, ["first", "first-2"]) as made:
        assert {path.name for path in made.logdir.iterdir()} == {"first", "first-2"}


def test_experiments_come_and_go(root: Path) -> None:
    with View(root) as made:
        (root / "third/a/s0").mkdir(parents=True)
        (root / "second").rename(root / ".gone")
        made.refresh()
        assert {path.name for path in made.logdir.iterdir()} == {"first", "third"}


def test_a_reaped_temporary_folder_is_made_again(root: Path) -> None:
    with View(root, ["first/a/s0", "second"]) as made:
        before = seen(made.logdir)
        view.remove(made.path)
        made.refresh()
        assert seen(made.logdir) == before


def test_at_the_end_the_links_go_and_the_runs_stay(root: Path) -> None:
    for names in ([], ["first"], ["first/a/s0", "second"]):
        with View(root, names) as made:
            path = made.path
            assert path.stat().st_mode & 0o777 == 0o700
        assert not path.exists()
    assert set(seen(root)) >= set(EVERYTHING)


def test_what_is_not_a_link_is_not_removed(root: Path) -> None:
    with View(root) as made:
        (made.path / "notes.txt").write_text("mine")
    assert [path.name for path in made.path.iterdir()] == ["notes.txt"]


def test_no_view_of_nothing(root: Path) -> None:
    with pytest.raises(FileNotFoundError):
        View(root / "none")
    assert list(Path(tempfile.gettempdir()).iterdir()) == []


def test_a_link_that_leads_in_a_circle_is_no_experiment(root: Path) -> None:
    (root / "circle").symlink_to("circle")
    with View(root) as made:
        assert sorted(seen(made.logdir)) == EVERYTHING
