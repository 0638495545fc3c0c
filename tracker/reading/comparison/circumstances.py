"""What runs were computed with, where that was not the same for all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tracker.errors import Damaged, Unavailable
from tracker.store.files import read_bytes, read_json
from tracker.store.index import RunRecord

_SHOWN = 4  # values of one fact, at most
_LONGEST_PATCH = 2**24  # bytes


class _Code(NamedTuple):
    commit: str
    patch: str  # a digest of what was not committed


def remarks(runs: Sequence[RunRecord]) -> Iterator[str]:
    """A sentence for each fact of machine, host and code that differs between the runs."""
    machines = [run.machine for run in runs if run.machine]
    for fact in dict.fromkeys(fact for machine in machines for fact in machine):
        seen = dict.fromkeys(str(machine[fact]) for machine in machines if fact in machine)
        if len(seen) > 1:
            yield f"computed with different {fact}: {_listed(list(seen))}"
    hosts = dict.fromkeys(run.host for run in runs if run.host)
    if len(hosts) > 1:
        names = _listed(list(map(str, hosts)))
        yield f"run on {len(hosts)} hosts ({names}): their speeds are not to be compared"
    codes = {code for run in runs if (code := _code(run))}
    if len(codes) > 1:
        commits = len({code.commit for code in codes})
        changed = sum(bool(code.patch) for code in codes)
        parts = [f"{commits} commits"] if commits > 1 else []
        parts += [f"{changed} with changes that were not committed"] if changed else []
        yield (
            f"run with {len(codes)} states of the code ({', '.join(parts)}): `tracker diff` says "
            "what changed between two"
        )


def _code(run: RunRecord) -> _Code | None:
    """Which code made the run; None where that was not written down or can't be read."""
    try:
        found = read_json(run.run.provenance_file)
        code = found.get("code") if isinstance(found, Mapping) else None
        if not isinstance(code, Mapping) or not isinstance(code.get("commit"), str):
            return None
        return _Code(code["commit"], _patch(run) if code.get("dirty") else "")
    except (Damaged, Unavailable):
        return None


def _patch(run: RunRecord) -> str:
    return hashlib.sha256(read_bytes(run.run.patch_file, _LONGEST_PATCH)).hexdigest()


def _listed(names: Sequence[Any]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(str, names[:_SHOWN])) + more
