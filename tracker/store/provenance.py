"""A number's birth certificate: which code, packages, machine and command made it.

Whatever cannot be found out is recorded as missing, with the reason; nothing here stops a run. Of
the environment only a few variables that change results are kept: the rest may hold secrets.
"""

from __future__ import annotations

import getpass
import importlib.metadata
import os
import platform
import socket
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tracker.store import git
from tracker.store.shape import SCHEMA_VERSION
from tracker.store.status import stamp, utc_now

_VARIABLES = ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
_PREFIX = "TRACKER_"


@dataclass(frozen=True, kw_only=True)
class Host:
    """The machine. `cores` are those this process may use; `gpus` those the NVIDIA driver lists."""

    name: str
    platform: str
    cpu: str | None
    cores: int
    memory_bytes: int | None
    gpus: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """The circumstances of a run as it begins.

    `code` is None where no repository was found or git did not answer, and `code_missing` says
    why. `patch` is what the working tree had that the commit has not, as `git apply` takes it.
    """

    time: str
    command: tuple[str, ...]
    directory: str | None
    experiment_source: str | None
    user: str
    python: str
    host: Host
    code: git.Code | None
    code_missing: str | None
    environment: dict[str, str]
    packages: dict[str, str]
    patch: bytes = field(default=b"", repr=False)

    def to_document(self) -> dict[str, Any]:
        """The JSON object of provenance.json; the patch is a file of its own."""
        document = asdict(self)
        del document["patch"]
        return {"schema_version": SCHEMA_VERSION, **document}


def collect(
    experiment_source: Path | None, argv: Sequence[str], *, patch: bool = True
) -> Provenance:
    """Look around. Takes about 0.1 s; git is given 5 s at most. Without `patch` no code is kept.

    The code is that of the first git repository around the working directory, the experiment's
    file, and tracker itself.
    """
    places = [_directory(), experiment_source and experiment_source.parent, Path(__file__).parent]
    code, diff, missing = git.look([Path(place) for place in places if place], patch=patch)
    return Provenance(
        time=stamp(utc_now()),
        command=tuple(git.without_credentials(argument) for argument in argv),
        directory=_directory(),
        experiment_source=str(experiment_source) if experiment_source else None,
        user=_user(),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        host=_host(),
        code=code,
        code_missing=missing,
        environment={
            name: value
            for name, value in sorted(os.environ.items())
            if name in _VARIABLES or name.startswith(_PREFIX)
        },
        packages=packages(),
        patch=diff,
    )


def packages() -> dict[str, str]:
    """Every installed distribution and its version, by name. The first on `sys.path` counts."""
    found: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        facts = distribution.metadata
        # A broken installation may have no name: it can't be imported by it either.
        if facts and facts["Name"]:
            found.setdefault(facts["Name"], facts["Version"] or "")
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def _host() -> Host:
    return Host(
        name=socket.gethostname(),
        platform=platform.platform(),
        cpu=_cpu(),
        cores=_cores(),
        memory_bytes=_memory(),
        gpus=_gpus(Path("/proc/driver/nvidia/gpus")),
    )


def _cpu(info: Path = Path("/proc/cpuinfo")) -> str | None:
    try:
        lines = info.read_text(errors="replace").splitlines()
    except OSError:
        return platform.processor() or None
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, None) or platform.machine() or None


def _cores() -> int:
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None


def _gpus(driver: Path) -> tuple[str, ...]:
    """The models the NVIDIA driver lists in its part of /proc: no torch, no nvidia-smi, no wait."""
    try:
        pages = [path.read_text(errors="replace") for path in sorted(driver.glob("*/information"))]
    except OSError:
        return ()
    lines = (line for page in pages for line in page.splitlines())
    return tuple(line.partition(":")[2].strip() for line in lines if line.startswith("Model:"))


def _directory() -> str | None:
    try:
        return str(Path.cwd())
    except OSError:  # removed under us
        return None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return str(os.getuid())
