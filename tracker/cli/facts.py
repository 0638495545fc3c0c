"""One run in words: the page that `tracker show` prints."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from tracker.cli.typed import typed
from tracker.reading.table import NOTHING, Table, count, duration, number
from tracker.store.index import RunRecord

# The packages whose version changes results or how they look; `--json` has them all.
_PACKAGES = ("torch", "torchvision", "tensorboard", "numpy", "tracker")


def facts(
    record: RunRecord,
    asked: Mapping[str, Any],
    provenance: Mapping[str, Any],
    summary: Mapping[str, Any],
    files: Sequence[str],
    missing: Sequence[str],
) -> dict[str, str]:
    """Name and text of each fact.

    `asked`, `provenance` and `summary` are files as found, never trusted.
    """
    page = {
        "run": record.id,
        "state": record.state + (f": {record.cause}" if record.cause else ""),
        "started": _started(record),
        "done": _done(record),
        "from": _origin(asked),
        "asked": _asked(asked),
        "began": _began(summary),
        "input": _input(summary),
        "price": _price(record),
        "code": _code(provenance),
        "machine": _machine(provenance),
        "computed": _computed(record),
        "software": _software(provenance),
        "command": shlex.join(map(str, _get(provenance, "command", list) or [])),
        "note": "\n".join(missing),
        "files": f"{record.run.path}\n{'  '.join(files)}",
        "browse": typed("tensorboard", record.id),
    }
    return {name: fact for name, fact in page.items() if fact}


def metrics_table(record: RunRecord) -> Table:
    """Every series: its last value and its best one, each with its step."""
    rows = []
    for tag, metric in record.metrics.items():
        best_step = NOTHING if metric.best_step is None else str(metric.best_step)
        row = (number(metric.last), str(metric.last_step), number(metric.best), best_step)
        rows.append((tag, *row))
    return Table(("series", "last", "step", "best", "step"), rows)


def _started(record: RunRecord) -> str:
    if record.started is None:
        return ""
    ran = "for" if record.state == "running" else "took"
    return f"{record.started[:19].replace('T', ' ')} UTC, {ran} {duration(record.seconds)}"


def _done(record: RunRecord) -> str:
    steps = str(record.step) + (f" of {record.total_steps}" if record.total_steps else "")
    # An imported run seldom says how many pictures an epoch has.
    return f"{steps} steps" + (f", {record.epoch:.4g} epochs" if record.epoch else "")


def _origin(asked: Mapping[str, Any]) -> str:
    """Where an imported run came from."""
    return _get(_get(asked, "imported", dict) or {}, "from", str) or ""


def _asked(asked: Mapping[str, Any]) -> str:
    blocks = ("data", "model", "optimizer", "schedule", "training", "settings")
    lines = []
    for name in blocks:
        block = _get(asked, name, dict)
        if not block:
            continue
        said = (f"{key} {_brief(value)}" for key, value in block.items() if value is not None)
        lines.append(f"{name}: {', '.join(said)}")
    return "\n".join(lines)


def _brief(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "+".join(map(str, value)) or "none"
    if isinstance(value, dict):
        said = (f"{key} {_brief(one)}" for key, one in value.items() if one is not None)
        return f"({', '.join(said)})"
    return str(value)


def _began(summary: Mapping[str, Any]) -> str:
    """Which weights training began with; nothing where these were random."""
    weights = _get(summary, "weights", dict)
    if not weights:
        return ""
    digest = _get(weights, "sha256", str)
    fresh = _get(weights, "fresh", list)
    parts = [
        f"with {weights.get('source', 'weights')}",
        f"sha256 {digest[:12]}…" if digest else "",
        f"at random: {', '.join(map(str, fresh))}" if fresh else "",
    ]
    return ", ".join(part for part in parts if part)


def _input(summary: Mapping[str, Any]) -> str:
    """Which pictures the network takes, and what is made of others."""
    known = _get(summary, "input", dict)
    if not known:
        return ""
    side, resize, kept = (known.get(key) for key in ("image_size", "resize", "scaled_from"))
    scaled = f", scaled from {kept} pixels" if kept else f", cut out of {resize}"
    parts = [
        f"{side}×{side} pixels" + (scaled if kept or resize != side else ""),
        f"{known['interpolation']}" if "interpolation" in known else "",
        *(
            f"{word} {_numbers(known, key)}"
            for word, key in (("mean", "mean"), ("deviation", "std"))
        ),
    ]
    return ", ".join(part for part in parts if part)


def _numbers(document: Mapping[str, Any], key: str) -> str:
    found = _get(document, key, list) or []
    return " ".join(f"{one:.3f}" for one in found if isinstance(one, int | float))


def _price(record: RunRecord) -> str:
    price = record.price
    if price is None:
        return ""
    parts = [
        f"{count(price.parameters)} parameters",
        f"{count(price.flops)} FLOPs a picture",
        f"{count(price.images_per_second)} images/s",
        f"{duration(price.seconds)} of training",
    ]
    if price.peak_memory_bytes is not None:
        parts.append(f"{price.peak_memory_bytes / 2**30:.2f} GiB at most")
    return ", ".join(parts)


def _code(provenance: Mapping[str, Any]) -> str:
    code = _get(provenance, "code", dict)
    if code is None:
        return _get(provenance, "code_missing", str) or ""
    commit = str(code.get("commit") or "no commit yet")[:12]
    branch = f" on {code['branch']}" if code.get("branch") else ""
    return f"{commit}{branch}" + (" with changes (code.patch)" if code.get("dirty") else "")


def _machine(provenance: Mapping[str, Any]) -> str:
    host = _get(provenance, "host", dict) or {}
    gpus = _get(host, "gpus", list) or []
    cores = f"{host['cores']} cores" if "cores" in host else None
    return ", ".join(
        str(part) for part in (host.get("name"), host.get("cpu"), cores, *gpus) if part
    )


def _computed(record: RunRecord) -> str:
    """What every "auto" became."""
    machine = record.machine or {}
    threads = f"{machine['threads']} threads" if "threads" in machine else None
    layout = "channels_last" if machine.get("channels_last") else None
    said = (machine.get("gpu"), machine.get("device"), machine.get("precision"), layout, threads)
    return ", ".join(str(part) for part in said if part)


def _software(provenance: Mapping[str, Any]) -> str:
    packages = _get(provenance, "packages", dict) or {}
    versions = [f"{name} {packages[name]}" for name in _PACKAGES if name in packages]
    return ", ".join(str(part) for part in (provenance.get("python"), *versions) if part)


def _get(document: Mapping[str, Any], key: str, kind: type) -> Any:
    value = document.get(key)
    return value if isinstance(value, kind) else None
