"""Which folders of event files are one run, and what that run is to be called.

TensorBoard takes each folder for a run. Several writers split one run over folders: Keras into
train and validation, `add_scalars` into one per curve, `add_hparams` into one named by the time.
Only what is plainly of these forms is put together, each folder's tags kept apart by a suffix.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracker.errors import UsageError, printable
from tracker.reading.adopting.logdir import Folder, Skipped

_TRAIN = frozenset({"train", "training"})
_HELD_OUT = frozenset({"val", "valid", "validation", "eval", "evaluation", "test", "testing"})
_CLOCK = re.compile(r"\d{9,11}(?:\.\d+)?")  # what add_hparams calls its folder: time.time()
_NO_NAME = frozenset({"lightning_logs"})  # says who wrote it, nothing of what

# "seed3", "seed_3", "seed 3", "seed=3", alone or as a part of a name; "s3" only alone: vit-s16 is
# a network.
_SEED = re.compile(
    r"(?:^s(?=\d+$)|(?:^|(?<=[-_.,+ ]))seed[-_= ]?)(\d{1,20})(?=$|[-_.,+ ])", re.IGNORECASE
)
_SEED_SETTINGS = ("seed", "random_seed", "seed_everything", "manual_seed")
_UNSAFE = re.compile(r"[^\w.=,+@-]+")
LONGEST = 100  # bytes of a name made here; TensorBoard's lists show some forty letters

Place = tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """A folder of a run, and the suffix its tags get: none for the run's own folder."""

    folder: Folder
    suffix: str


@dataclass(frozen=True)
class Group:
    """The folders of one run, and what it is to be called."""

    place: Place
    parts: tuple[Part, ...]
    experiment: str
    variant: str
    seed: int

    @property
    def settings(self) -> dict[str, Any]:
        """The hyper-parameters found in its folders; where two differ, the outer folder's."""
        return _settings(self.parts)

    @property
    def notes(self) -> list[str]:
        """What could not be read, or not be told, of its folders."""
        return [note for part in self.parts for note in part.folder.notes]


def group(
    folders: Sequence[Folder], experiment: str, pattern: re.Pattern[str] | None
) -> tuple[list[Group], list[Skipped]]:
    """Put folders together into runs of `experiment`, and name these.

    `pattern` is searched for in a run's path; its groups "variant", "seed" and "experiment" say
    instead of us. What it does not fit is left out. Raises UsageError where "seed" fits no number.
    """
    members: dict[Place, list[Part]] = {}
    by_place = {folder.place: folder for folder in folders}
    for folder in folders:
        place, suffix = _owner(folder, by_place)
        members.setdefault(place, []).append(Part(folder, suffix))
    groups, skipped = [], []
    for place, parts in sorted(members.items()):
        parts.sort(key=lambda part: part.folder.place)
        path = "/".join(place) or "."
        match = pattern.search(path) if pattern else None
        if pattern and match is None:
            skipped.append(Skipped(path, "--map does not fit it"))
            continue
        said = match.groupdict() if match else {}
        variant, seed = _guess(place or (experiment,), _settings(parts))
        if said.get("variant") is not None:
            variant = safe(said["variant"].strip("/").replace("/", ","))
        if said.get("seed") is not None:
            seed = _number(said["seed"], path)
        name = safe(said.get("experiment") or experiment)
        groups.append(Group(place, tuple(parts), name, variant, seed))
    return groups, skipped


def safe(name: str) -> str:
    """`name` as one that can name a folder: other characters than letters, digits and ._=,+@- are
    a "-" each run, and what is too long ends in a checksum of the whole."""
    fit = _UNSAFE.sub("-", name).strip("-").lstrip(".-") or "run"
    if len(fit.encode()) <= LONGEST:
        return fit
    cut = fit.encode()[: LONGEST - 9].decode(errors="ignore")
    return f"{cut}-{zlib.crc32(name.encode('utf-8', 'surrogateescape')):08x}"


def _owner(folder: Folder, by_place: Mapping[Place, Folder]) -> tuple[Place, str]:
    """The place of the run that `folder` belongs to, its own included, and its tags' suffix."""
    place, suffix = folder.place, ""
    while (step := _one_up(place, by_place)) is not None:
        place, inner = step
        suffix = f"{inner}/{suffix}" if suffix else inner
    return place, suffix


def _one_up(place: Place, by_place: Mapping[Place, Folder]) -> tuple[Place, str] | None:
    """The place that this one is plainly a part of, and the suffix that says so, or None."""
    if not place or place not in by_place:
        return None
    folder, above = by_place[place], place[:-1]
    around = next((place[:k] for k in range(len(place) - 1, -1, -1) if place[:k] in by_place), None)
    if around is not None and (curve := _curve(folder, place[len(around) :])):
        return around, curve
    last = place[-1].lower()
    beside = {other[-1].lower() for other in by_place if other and other[:-1] == above}
    if last in _TRAIN or (last in _HELD_OUT and (above in by_place or beside & _TRAIN)):
        return above, place[-1]
    if above in by_place and by_place[above].points and _is_session(folder):
        sessions = [one for one in by_place.values() if one.place[:-1] == above and one.place]
        if sum(map(_is_session, sessions)) == 1:
            return above, SESSION
    return None


SESSION = "hparam"  # add_hparams' own examples call its metrics hparam/…


def _is_session(folder: Folder) -> bool:
    return folder.is_session and bool(_CLOCK.fullmatch(folder.place[-1]))


def _curve(folder: Folder, below: Place) -> str | None:
    """Which curve of `add_scalars` the folder is: that of torch (loss_train), tensorboardX
    (loss/train), each with all its points under "loss". None if it is none."""
    if len(folder.points) != 1:
        return None
    [tag] = folder.points
    path = "/".join(below)
    for start in (tag.replace("/", "_") + "_", tag + "/"):
        if path.startswith(start) and len(path) > len(start):
            return path[len(start) :]
    return None


def _guess(place: Place, settings: Mapping[str, Any]) -> tuple[str, int]:
    """Variant and seed of a run, from its path, else from its hyper-parameters, else 0.

    Only what says seed is one. A number after version, exp, run or trial is not: it counts
    attempts, and averaging over these would hide what changed between them.
    """
    seed: int | None = None
    names = []
    for name in reversed(place):
        found = _SEED.search(name) if seed is None else None
        if found:
            seed = int(found[1])
            name = (name[: found.start()].rstrip("-_.,+ ") + name[found.end() :]).strip("-_.,+ ")
        if name and name not in _NO_NAME:
            names.append(safe(name))
    said = (settings.get(key) for key in _SEED_SETTINGS)
    if seed is None:
        seed = next((one for one in said if type(one) is int and 0 <= one < 10**20), 0)
    return safe(",".join(reversed(names)) or "run"), seed


def _number(text: str, path: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 20):
        raise UsageError(
            f"--map takes {ascii(text)[:40]} for the seed of {printable(path)}: let its group "
            r"'seed' fit digits only, as in (?P<seed>\d+)"
        )
    return int(text)


def _settings(parts: Sequence[Part]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in parts:
        found = {**part.folder.settings, **found}
    return found
