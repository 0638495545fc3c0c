"""Which TensorBoards are ours: note them down, find them, stop them, say who holds a port.

TensorBoard's own list of servers believes a pid file whose process may be long gone, so ours is
kept apart: one file per server, under the runs it shows. A server is *ours* only if three things
agree: its process is alive, it started when we noted it did, and what answers on its port serves
the folder we made for it. Nothing else is ever signalled.
"""

from __future__ import annotations

import contextlib
import errno
import http.client
import json
import os
import re
import signal
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from tracker.errors import Busy, Damaged, Unavailable, UsageError
from tracker.reading.serving.listener import listener
from tracker.store import index
from tracker.store.files import write_json
from tracker.store.process import ProcessId, is_alive
from tracker.store.shape import COUNT, SCHEMA_VERSION, TEXT, Shape, read_document

LOOPBACK = "127.0.0.1"
FIRST_PORT = 6006  # TensorBoard's own: where people look
PORTS_TRIED = 50
ANSWER_SECONDS = 2.0  # a suspended server accepts connections and never answers
STOP_SECONDS = 5.0

Standing: TypeAlias = Literal["serving", "silent", "gone", "elsewhere"]


@dataclass(frozen=True, kw_only=True)
class Server:
    """One TensorBoard we started.

    `showing` says in words which runs; `logdir` is the folder made for this server alone, so
    that its name proves who answers; `started` is ISO 8601, UTC. `prefix` is what its addresses
    begin with, such as "/tb", or empty.
    """

    process: ProcessId
    address: str
    port: int
    logdir: str
    showing: str
    started: str
    prefix: str = ""

    @property
    def host(self) -> str:
        """By what name a program on this machine reaches it, as in an address."""
        host = self.address if self.address not in ("0.0.0.0", "::") else LOOPBACK  # noqa: S104
        return f"[{host}]" if ":" in host else host

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        return f"http://{self.host}:{self.port}{self.prefix}/"

    def to_document(self) -> dict[str, Any]:
        """The JSON object of its file."""
        return {"schema_version": SCHEMA_VERSION, **asdict(self)}


_SERVER: Shape = {
    "process": (dict,),
    "address": TEXT,
    "port": COUNT,
    "logdir": TEXT,
    "showing": TEXT,
    "started": TEXT,
}
_LATER: Shape = {"prefix": TEXT}


@dataclass(frozen=True)
class Found:
    """A server from its file, and what is true of it now.

    "serving": ours. "silent": its process lives but does not answer as it should (suspended, say).
    "gone": ended without a word. "elsewhere": on another host that shares this disk.
    """

    file: Path
    server: Server
    standing: Standing


def in_words(root: Path, names: Sequence[str]) -> str:
    """Which runs a server shows, as `Server.showing` says it."""
    return f"{', '.join(names)} of {root.resolve()}" if names else str(root.resolve())


def resolve(root: Path, refs: Sequence[str]) -> list[str]:
    """The names under `root` that `refs` stand for: experiments, variants, or runs as `find` knows.

    Raises NoSuchRun for a ref that fits none or several, UsageError for a run elsewhere.
    """
    names = []
    for ref in refs:
        parts = ref.rstrip("/").split("/")
        if (
            all(re.fullmatch(r"\w[^\x00]*", part) for part in parts)
            and root.joinpath(*parts).is_dir()
        ):
            names.append("/".join(parts))
            continue
        run = index.find(root, ref)
        if not run.path.resolve().is_relative_to(root.resolve()):
            raise UsageError(f"{run.path} is not under {root}: name its folder with --runs")
        names.append(run.id)
    return names


def same(
    root: Path, showing: str, address: str, port: int | None, prefix: str = ""
) -> Server | None:
    """The server of ours that already shows just this at the place wanted, or None."""
    for found in find(root):
        server = found.server
        place = (server.showing, server.address, server.prefix)
        fits = place == (showing, address, prefix) and port in (None, server.port)
        if fits and found.standing == "serving":
            return server
    return None


def note(root: Path, server: Server) -> Path:
    """Write the server's file under `root` and return it. Raises Unavailable."""
    folder = _folder(root)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(f"cannot create {folder}: {error.strerror}") from error
    path = folder / f"{server.process.pid}-{server.port}.json"
    write_json(path, server.to_document())
    return path


def find(root: Path) -> list[Found]:
    """Every server noted under `root`, by port. A file not as we write them is no server."""
    found = []
    for path in _folder(root).glob("*.json"):
        with contextlib.suppress(Damaged, Unavailable):
            server = _read(path)
            found.append(Found(path, server, _standing(server)))
    return sorted(found, key=lambda each: each.server.port)


def stop(
    server: Server,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """End a server of ours: SIGTERM, and after 5 s SIGKILL if it is still ours and serving.

    Raises Busy, and signals nobody, unless it is ours at this moment.
    """
    if _standing(server) != "serving":
        raise Busy(
            f"process {server.process.pid} does not answer on port {server.port} as the server we "
            f"started, so it is left alone; if it is suspended, `kill -CONT {server.process.pid}` "
            "and try again"
        )
    os.kill(server.process.pid, signal.SIGTERM)
    deadline = clock() + STOP_SECONDS
    while _standing(server) == "serving":
        if clock() > deadline:
            os.kill(server.process.pid, signal.SIGKILL)
            break
        sleep(0.05)


def choose_port(root: Path, address: str, wanted: int | None) -> tuple[int, str | None]:
    """A free port at `address`, and where it is not the usual one, a sentence that says why.

    `wanted` is taken or refused: Busy names who holds it. Without it, 6006 or the next free one.
    Raises UsageError for an address this machine has not, Unavailable for a forbidden port.
    """
    first = FIRST_PORT if wanted is None else wanted
    for port in range(first, first + (PORTS_TRIED if wanted is None else 1)):
        if is_free(address, port):
            why = f"{holder(root, address, first)}; using {port}." if port != first else None
            return port, why
    raise Busy(f"{holder(root, address, first)}; name another with --port")


def is_free(address: str, port: int) -> bool:
    """Whether a server could listen there now. Raises UsageError or Unavailable if never."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as TensorBoard will
        try:
            probe.bind((address, port))
        except PermissionError as error:
            raise Unavailable(f"port {port} is for root only; use one above 1023") from error
        except (OSError, UnicodeError) as error:  # the latter of a name that cannot be one
            if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
                return False
            raise UsageError(f"--host {address}: no address of this machine") from error
    # Somebody may listen on another of this machine's addresses; TensorBoard refuses to shadow it.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(ANSWER_SECONDS)
        return probe.connect_ex((LOOPBACK, port)) != 0


def holder(root: Path, address: str, port: int) -> str:
    """Who holds a taken port, as the beginning of a sentence."""
    for found in find(root):
        if found.server.port == port and found.standing in ("serving", "silent"):
            return f"Port {port} is held by {describe(found)}"
    environment = _ask(address, port)
    program = listener(port)
    if environment is not None:
        title = environment.get("window_title") or environment.get("data_location")
        return f"Port {port} is held by another TensorBoard, for {title}" + (
            f" ({program})" if program else ""
        )
    if program is not None:
        return f"Port {port} is held by `{program.command}` ({program})"
    return f"Port {port} is held by another program (`ss -ltnp 'sport = :{port}'` may name it)"


def describe(found: Found) -> str:
    """One server in words, without its port."""
    server = found.server
    since = server.started[:16].replace("T", " ")
    words = {
        "serving": f"our TensorBoard for {server.showing}",
        "silent": f"our TensorBoard for {server.showing}, which does not answer (suspended?)",
        "gone": f"nobody any more: our TensorBoard for {server.showing}",
        "elsewhere": f"our TensorBoard for {server.showing} on {server.process.host}",
    }[found.standing]
    return f"{words} (pid {server.process.pid}, since {since} UTC)"


def _folder(root: Path) -> Path:
    return root / ".tracker" / "tensorboard"


def _read(path: Path) -> Server:
    facts = read_document(path, _SERVER, _LATER)
    try:
        process = ProcessId(**facts.pop("process"))
    except TypeError as error:
        raise Damaged(f"{path}: no process") from error
    if type(process.pid) is not int or process.pid <= 1:  # 0 and -1 would signal whole groups
        raise Damaged(f"{path}: no pid")
    return Server(process=process, **facts)


def _standing(server: Server) -> Standing:
    if server.process.host != socket.gethostname():
        return "elsewhere"
    if not is_alive(server.process):
        return "gone"
    environment = _ask(server.address, server.port, server.prefix)
    ours = environment is not None and environment.get("data_location") == server.logdir
    return "serving" if ours else "silent"


def _ask(address: str, port: int, prefix: str = "") -> dict[str, Any] | None:
    """What a TensorBoard at this port says of itself; None if nothing there is a TensorBoard."""
    host = LOOPBACK if address == "0.0.0.0" else "::1" if address == "::" else address  # noqa: S104
    connection = http.client.HTTPConnection(host, port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", f"{prefix}/data/environment")
        answer = json.loads(connection.getresponse().read(65536))
    except (OSError, http.client.HTTPException, ValueError, RecursionError):
        return None
    finally:
        connection.close()
    return answer if isinstance(answer, dict) and "data_location" in answer else None
