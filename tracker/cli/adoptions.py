"""Imported runs as rows: what `tracker import` shows, before and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tracker.reading.adopting.adopt import Adoption
from tracker.reading.table import Table


def table(adoptions: Sequence[Adoption], actions: Sequence[str]) -> Table:
    """A row per run: what it is made of, and what was done or would be."""
    rows = [
        (
            one.run.id,
            _place(one),
            action,
            one.compared,
            str(len(one.files)),
            str(len(one.points)),
            str(sum(one.points.values())),
            str(_last_step(one)),
        )
        for one, action in zip(adoptions, actions, strict=True)
    ]
    titles = ("run", "from", "what", "metric", "files", "series", "points", "steps")
    return Table(titles, rows, words=4)


def document(one: Adoption, action: str) -> dict[str, Any]:
    """The same and more, as a JSON object; `series` counts the points of each."""
    return {
        "id": one.run.id,
        "path": str(one.run.path),
        "from": str(one.origin),
        "action": action,
        "variant": one.group.variant,
        "seed": one.group.seed,
        "metric": one.compared,
        "files": len(one.files),
        "series": one.points,
        "steps": _last_step(one),
        "settings": one.group.settings,
        "notes": list(one.group.notes),
    }


def _place(one: Adoption) -> str:
    """The folders of a run below DIR: its own, and in brackets those that are parts of it."""
    own = "/".join(one.group.place) or "."
    parts = ["/".join(part.folder.place[len(one.group.place) :]) for part in one.group.parts]
    below = " + ".join(part for part in parts if part)
    return f"{own} ({below})" if below else own


def _last_step(one: Adoption) -> int:
    return max(part.folder.last_step for part in one.group.parts)
