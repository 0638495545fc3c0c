"""Rows 14 and 15 on a file system that really is full: a small one, in memory, mounted for a test.

In test_03_disk_errors.py every call of the disk is told that it is full, one after another.
"""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.conftest import REPOSITORY, the_run, unlike
from tests.faults.fingerprint import Fingerprint
from tracker.store import index
from tracker.store.files import half_written

pytestmark = pytest.mark.slow

# What root may do, and what anybody may where the system lets users have namespaces of their own.
APART = (["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"])

# The mount is seen by this shell and its children alone, and goes with them.
SCRIPT = """
set -e
mount -t tmpfs -o size={size}k none {small}
run() {{ {python} -m tracker.cli.main --runs {small}/runs run {spec} "$@" >>{out}/said 2>&1; }}
code=0; run || code=$?; echo $code >{out}/code
cp -R {small}/runs {out}/full
mount -o remount,size=64m {small}
code=0; run --resume || code=$?; echo $code >>{out}/code
cp -R {small}/runs {out}/resumed
"""


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What begins a command in which a file system can be mounted."""
    if not sys.platform.startswith("linux"):
        pytest.skip("a private mount takes Linux")
    place = tmp_path_factory.mktemp("mount")
    said = ""
    for words in APART:
        command = ["sh", "-c", f"mount -t tmpfs none {shlex.quote(str(place))}"]
        try:
            tried = subprocess.run([*words, *command], capture_output=True, text=True, check=False)
        except FileNotFoundError as error:
            pytest.skip(str(error))
        if tried.returncode == 0:
            return words
        said = tried.stderr.strip()
    pytest.skip(f"no file system can be mounted here: {said}")


@pytest.mark.parametrize(
    ("kilobytes", "saved"), [(150, 0), (3000, 1)], ids=["while logging", "while saving"]
)
def test_a_disk_that_is_full(
    tmp_path: Path,
    spec: Path,
    uninterrupted: Fingerprint,
    apart: list[str],
    kilobytes: int,
    saved: int,
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    names = {"small": small, "out": tmp_path, "spec": spec, "python": sys.executable}
    quoted = {name: shlex.quote(str(path)) for name, path in names.items()}
    script = SCRIPT.format(size=kilobytes, **quoted)
    done = subprocess.run(
        [*apart, "sh", "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    said = (tmp_path / "said").read_text()
    assert (done.returncode, done.stderr) == (0, ""), said
    assert (tmp_path / "code").read_text().split() == ["6", "0"], said
    assert "disk full; free some space" in said
    assert "Traceback" not in said

    full = the_run(tmp_path / "full")
    record = index.record(full)
    assert (record.state, len(full.manifest().kept)) == ("failed", saved)
    assert "disk full" in (record.cause or "")
    assert half_written(full.path) == half_written(full.checkpoints) == []
    assert unlike(uninterrupted, the_run(tmp_path / "resumed")) == {}
