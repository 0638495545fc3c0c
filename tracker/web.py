"""A file out of the web, received with a limit to silence, and told of while it comes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from urllib.request import Request, urlopen

_CHUNK = 2**20  # bytes
_TIMEOUT = 15  # seconds without a byte until the network counts as absent


def receive(url: str, path: Path, told: Callable[[int, int], None]) -> str:
    """Write what `url` holds to `path`; return its sha256, 64 hexadecimal digits.

    `told` hears after each part how many bytes have come, and of how many (0: unknown). Raises
    OSError, HTTPException or ValueError where it does not come whole; what did come lies there.
    """
    if not url.startswith(("https://", "http://")):
        raise OSError("no address of a web server")
    asked = Request(url, headers={"User-Agent": "tracker"})  # noqa: S310 - see the line before
    with urlopen(asked, timeout=_TIMEOUT) as answer, path.open("wb") as file:  # noqa: S310
        total, done, digest = int(answer.headers.get("Content-Length") or 0), 0, hashlib.sha256()
        while chunk := answer.read(_CHUNK):
            file.write(chunk)
            digest.update(chunk)
            done += len(chunk)
            told(done, total)
        if done < total:
            raise OSError("it was cut off")
    return digest.hexdigest()
