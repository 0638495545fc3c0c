"""A person's own pictures: a folder per split, a folder per class in it, any sizes and kinds."""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from tracker.data import cache
from tracker.data.dataset import Dataset, Split, channel_statistics, hashed, reference_pictures
from tracker.data.decode import Decoder
from tracker.data.files import Files, refusal
from tracker.data.listing import Listing, key, listings
from tracker.data.progress import Progress
from tracker.errors import Unavailable, printable
from tracker.spec import experiment

Log = Callable[[str], None]

_SIZE = 32  # pixels, where nothing says otherwise
_PATIENCE = 1.0  # seconds of decoding that may pass without a word


def build(spec: experiment.ImageFolder, log: Log) -> Dataset:
    """The data set that `spec` asks for: `root`/train, and `root`/val or else `root`/test.

    Classes are the folders, by name; pictures follow each other by path. All that are in use have
    been decoded once before this returns, in this run or an earlier one. Where they fit
    (`cache.fits`; or as `spec.cache` says) they are then kept as pixels and mapped into memory,
    else decoded again whenever they are needed. Either way gives the same pictures.

    Raises Unavailable where folders are missing, empty or disagree on the classes, and Damaged
    where pictures cannot be read: counted, the first ones named.
    """
    root = Path(os.path.expanduser(spec.root))  # noqa: PTH111 (Path's raises without a home)
    whole = listings(root, log)
    train, val = (
        split.of_classes(spec.classes).part(size)
        for split, size in zip(whole, (spec.train_size, spec.val_size), strict=True)
    )
    size = spec.image_size or _SIZE
    interpolation = spec.interpolation or "bilinear"
    decoder = Decoder(size, spec.resize, interpolation)
    files = [Files(part.folder, part.names, decoder, workers=spec.workers) for part in (train, val)]
    entry = cache.Entry(
        key(*whole),
        len(train),
        len(val),
        size,
        pixels=spec.cache != "never",
        resize=spec.resize,
        classes=None if spec.classes is None else train.classes,
        interpolation=interpolation,
    )

    def make(take: Callable[[Tensor], object], into: Path | None) -> cache.Facts:
        where = f" into {printable(str(into))}" if into else ""
        patience = _Patience(lambda: log(f"decoding {len(train) + len(val):,} pictures{where}"))
        return _decode_all([train, val], files, take, patience, Progress(log, _decoded))

    facts, pixels = _cached(entry, cache.places(root), make, log, must=spec.cache == "always")
    images = (pixels[: len(train)], pixels[len(train) :]) if len(pixels) else files
    return Dataset(
        name=spec.name,
        train=Split(images[0], train.labels),
        val=Split(images[1], val.labels),
        classes=train.classes,
        mean=facts.mean,
        std=facts.std,
        image_size=size,
        digest=facts.digest,
        reference=reference_pictures(val.labels),
    )


def _cached(
    entry: cache.Entry, candidates: list[Path], make: cache.Make, log: Log, *, must: bool
) -> tuple[cache.Facts, Tensor]:
    """Facts and pixels as asked for in `entry`; without pixels where these don't fit."""
    found = cache.find(entry, candidates)
    if found:
        return found
    place = cache.writable(candidates)
    if entry.pixels and must and not place:
        where = " nor ".join(printable(str(one)) for one in candidates)
        raise Unavailable(
            f"data.cache is always, but neither {where} can be written to; set it to never"
        )
    if entry.pixels and not must and not (place and cache.fits(entry.nbytes, place)):
        log(
            f"{entry.train + entry.val:,} pictures ({entry.nbytes / 1e9:.1f} GB of pixels) do not "
            "fit: they are decoded in every epoch"
        )
        return _cached(replace(entry, pixels=False), candidates, make, log, must=must)
    if place:
        return cache.keep(entry, place, make, log)
    return cache.without_keeping(entry, make)


def _decode_all(
    parts: list[Listing],
    files: list[Files],
    take: Callable[[Tensor], object],
    patience: _Patience,
    progress: Progress,
) -> cache.Facts:
    """Hand all pictures to `take`, in order, and return what is learnt from them on the way.

    Raises Damaged, after the last one, if any cannot be read.
    """
    digest = hashlib.sha256()
    faults: list[str] = []
    total = sum(map(len, parts))
    done = 0

    def through(part: Listing, source: Files) -> Iterator[Tensor]:
        nonlocal done
        for chunk in hashed(digest, source.shape, source.chunks(faults), part.labels):
            take(chunk)
            done += len(chunk)
            patience.wears()
            progress(done, total)
            yield chunk

    mean, std = channel_statistics(through(parts[0], files[0]))
    for _ in through(parts[1], files[1]):
        pass
    if faults:
        raise refusal(faults, total)
    return cache.Facts(mean, std, digest.hexdigest())


def _decoded(done: int, total: int) -> str:
    return f"decoded {done:,} of {total:,} pictures"


class _Patience:
    """Calls `speak` once, when work has gone on for a while."""

    def __init__(self, speak: Callable[[], None]) -> None:
        self._speak = speak
        self._end = time.monotonic() + _PATIENCE

    def wears(self) -> None:
        """To be called now and then."""
        if time.monotonic() > self._end:
            self._speak()
            self._end = math.inf
