"""What other people wrote is data: it is never run, never unpacked, and names no place outside.

The source of `tracker` is read, so that no later change brings in what these tests forbid.
"""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import tracker

SOURCE = Path(tracker.__file__).parent
TREES = {
    path.relative_to(SOURCE).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(SOURCE.rglob("*.py"))
}
# Modules that run or unpack what they read.
FORBIDDEN = {
    "pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "code",
    "codeop", "runpy", "tarfile", "zipfile", "zipimport", "py7zr", "yaml", "imp",
}  # fmt: skip
RUNS_CODE = {"eval", "exec", "compile", "__import__"}
LOADS_PICKLES = {"torch.jit.load", "torch.hub.load", "np.load", "numpy.load", "pd.read_pickle"}
# The names of commands, which the program itself keeps in a table.
MAY_IMPORT_BY_NAME = {"cli/main.py"}
# The doors through which JSON comes in, each with its limit.
MAY_READ_JSON = {
    "store/files.py",  # the files of runs: 64 MiB
    "reading/adopting/settings.py",  # those of others' runs: 1 MiB
    "reading/serving/dashboard.py",  # what a server answers: 64 KiB
    "reading/serving/notebook.py",  # what the one we start says: 1 MiB
    "data/cache.py",  # what a cache begins with: 4 KiB
    "models/catalog.py",  # ours
    "models/measure.py",
    "spec/schema.py",
}
# Where something is shown; each makes it printable first.
MAY_SHOW = {
    "cli/terminal.py",
    "cli/commands/export.py",  # curves, too long to hold
    "spec/document.py",  # ours
}


def calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    """Every call, with the dotted name of what is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{one.name}" for one in node.names)


def places(names: set[str]) -> set[tuple[str, str]]:
    """Where in the source something of these names is called."""
    return {
        (file, name) for file, tree in TREES.items() for name, _ in calls(tree) if name in names
    }


def test_the_source_is_all_there() -> None:
    modules = pkgutil.walk_packages([str(SOURCE)], "tracker.")
    assert sum(1 for _ in modules) > 100
    assert "training/checkpoint.py" in TREES


def test_nothing_that_runs_or_unpacks_files_is_imported() -> None:
    found = {
        (file, name)
        for file, tree in TREES.items()
        for name in imported(tree)
        if name.partition(".")[0] in FORBIDDEN
    }
    assert found == set()


def test_no_text_becomes_code() -> None:
    assert places(RUNS_CODE) == set()
    assert {file for file, _ in places({"importlib.import_module"})} <= MAY_IMPORT_BY_NAME
    assert places({"shutil.unpack_archive"} | LOADS_PICKLES) == set()
    for file in MAY_IMPORT_BY_NAME:
        for name, call in calls(TREES[file]):
            if name == "load":  # written out, or one of `commands/` (the table has its name)
                target = ast.unparse(call.args[0]).removeprefix("f").strip("'\"")
                assert target.startswith("tracker.cli."), ast.unparse(call)


def test_every_checkpoint_is_loaded_as_weights_only() -> None:
    found = [
        {word.arg: ast.unparse(word.value) for word in call.keywords}
        for tree in TREES.values()
        for name, call in calls(tree)
        if name.endswith("torch.load") or name == "load_state_dict_from_file"
    ]
    assert found
    assert all(words.get("weights_only") == "True" for words in found)
    source = [path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py")]
    assert not any("weights_only=False" in text for text in source)


def test_one_function_makes_paths_of_other_people_s_names() -> None:
    made = [
        (file, node.name)
        for file, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and "safe_join" in node.name
    ]
    assert made == [("store/files.py", "safe_join")]


def test_json_comes_in_by_doors_that_have_a_limit() -> None:
    readers = {"json.load", "json.loads", "json.JSONDecoder"}
    assert {file for file, _ in places(readers)} <= MAY_READ_JSON


def test_all_that_is_said_is_made_printable_in_one_place() -> None:
    shown = {"print", "click.echo", "click.secho", "sys.stdout.write", "sys.stderr.write"}
    assert {file for file, _ in places(shown)} <= MAY_SHOW


@pytest.mark.parametrize("name", ["store.files", "spec.source", "spec.schema"])
def test_the_doors_are_where_they_are_looked_for(name: str) -> None:
    assert importlib.import_module(f"tracker.{name}")
