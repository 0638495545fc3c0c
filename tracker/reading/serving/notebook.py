"""TensorBoard inside a notebook: a frame around a server that is found, or started beside it."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from tracker.errors import Unavailable, printable

# What TensorBoard's own notebook extension reads where a browser can't reach the kernel's ports.
PROXY = "TENSORBOARD_PROXY_URL"

_LONGEST = 1 << 20  # bytes of what the server's process says of itself; a link may be long


@dataclass(frozen=True)
class Inline:
    """An address that a notebook shows as a frame of `height` pixels, and others as text."""

    url: str
    height: int

    def _repr_html_(self) -> str:
        address = escape(self.url, quote=True)
        return (
            f'<iframe src="{address}" width="100%" height="{self.height}" '
            'style="border: 0" title="TensorBoard"></iframe>'
        )

    def __repr__(self) -> str:
        return self.url


def inline(root: Path, refs: Sequence[str] = (), *, height: int = 800) -> Inline:
    """The dashboard of these runs, as `tracker tensorboard` shows it, for a notebook.

    A server that shows just this is used; else one is started, in a process of its own that ends
    with this one, and that `tracker tensorboard --stop` ends before. Where TENSORBOARD_PROXY_URL
    is set, such as "/proxy/%PORT%/", the frame goes through it. Raises Unavailable, with the
    reason, where no server can be had.
    """
    command = [sys.executable, "-m", "tracker", "--runs", str(root)]
    command += ["tensorboard", "--no-browser", "--json", "--", *refs]
    with tempfile.TemporaryFile() as words:
        process = subprocess.Popen(  # noqa: S603 - our own program
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=words,
            start_new_session=True,  # the interrupt of a notebook's cell is not for it
        )
        assert process.stdout is not None
        with process.stdout as said:
            line = said.readline(_LONGEST)
        if not line:
            process.wait()
            words.seek(0)
            reason = printable(words.read().decode(errors="replace").strip(), keep="\n")
            raise Unavailable(reason or f"`tracker tensorboard` ended with {process.returncode}")
    found = json.loads(line)
    if found["server"]["process"]["pid"] == process.pid:
        atexit.register(_end, process)
    else:  # it found another that does
        process.wait()
    return Inline(_proxied(found["link"], found["server"]), height)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait()


def _proxied(link: str, server: dict[str, object]) -> str:
    proxy = os.environ.get(PROXY)
    if not proxy:
        return link
    outside = proxy.replace("%PORT%", str(server["port"]))
    return outside.rstrip("/") + "/" + link.removeprefix(str(server["url"]))
