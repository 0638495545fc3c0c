import gc
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tracker.cli.settle import importing_libraries


@pytest.fixture(autouse=True)
def unfrozen() -> Iterator[None]:
    gc.unfreeze()
    yield
    gc.unfreeze()


@pytest.fixture
def no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)


@pytest.mark.usefixtures("no_torch")
def test_the_collector_rests_while_libraries_are_imported_and_passes_over_them_for_good() -> None:
    with importing_libraries():
        assert not gc.isenabled()
        assert gc.get_freeze_count() == 0
    assert gc.isenabled()
    assert gc.get_freeze_count() > 1000


@pytest.mark.usefixtures("no_torch")
def test_the_collector_is_back_where_an_import_fails() -> None:
    with pytest.raises(ImportError), importing_libraries():
        raise ImportError("broken")
    assert gc.isenabled()


def test_nothing_is_done_where_torch_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", pytest)
    with importing_libraries():
        assert gc.isenabled()
    assert gc.get_freeze_count() == 0


@pytest.mark.usefixtures("no_torch")
def test_whoever_has_put_the_collector_out_keeps_it_out() -> None:
    gc.disable()
    try:
        with importing_libraries():
            pass
        assert not gc.isenabled()
        assert gc.get_freeze_count() == 0
    finally:
        gc.enable()


def test_what_the_person_has_set_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"GOMP_SPINCOUNT": "7"})
    with importing_libraries():
        assert os.environ == {"GOMP_SPINCOUNT": "7", "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="this C library has no mallopt")
@pytest.mark.parametrize("theirs", [{}, {"MALLOC_TRIM_THRESHOLD_": "65536"}])
def test_memory_that_is_freed_is_not_fetched_anew(theirs: dict[str, str]) -> None:
    code = (
        "import resource\n"
        "from tracker.cli.settle import settle_libraries\n"
        "settle_libraries()\n"
        "b'x' * 10**8\n"  # as large as the maps of a network
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "for _ in range(10):\n"
        "    b'x' * 10**8\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **theirs},
        capture_output=True,
        text=True,
        check=True,
    )
    pages = 10 * 10**8 / resource.getpagesize()
    assert (int(done.stdout) < pages / 10) is (theirs == {})


def test_nobody_complains_of_what_was_not_walked(tmp_path: Path) -> None:
    """Triton's binding does at the end of a process, where PyTorch has come with it."""
    code = (
        "from tracker.cli.settle import importing_libraries\n"
        "with importing_libraries():\n"
        "    import torch._dynamo\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
