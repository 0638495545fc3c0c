"""TensorBoard in this process: start it on a view, wait for the signal that ends it, clean up.

In this process, so that killing ours by any signal leaves no server behind: its one child, the
data server, ends when our end of its stdin closes.
"""

from __future__ import annotations

import contextlib
import io
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from tensorboard import default, program

from tracker.errors import Busy, NoSuchRun, Unavailable
from tracker.reading.serving import dashboard, view
from tracker.reading.serving.dashboard import Server
from tracker.reading.serving.view import View
from tracker.reading.tab.plugin import NAME, ComparePlugin
from tracker.store.process import this_process
from tracker.store.status import stamp, utc_now

REFRESH_SECONDS = 1.0
# TensorBoard keeps a random choice of the points beyond these: by default 1,000, and 10 pictures.
SAMPLES = {
    "scalars": 100_000,
    **dict.fromkeys(("images", "text", "histograms", "pr_curves"), 1_000),
}
_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Board:
    """A TensorBoard that listens, in this process. `remarks` are sentences the user should read."""

    server: Server
    view: View
    remarks: tuple[str, ...]

    def wait(self) -> NoReturn:
        """Keep the view live until a signal ends the block (`ended_by_signals`)."""
        while True:
            time.sleep(REFRESH_SECONDS)
            with contextlib.suppress(OSError):  # a network disk that is away for a moment
                self.view.refresh()


class _Ended(BaseException):
    """A signal asked us to end. Not an Exception, so that no library swallows it."""


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let SIGINT, SIGTERM and SIGHUP end the block quietly.

    SIGINT even where it was inherited as ignored, as by `tracker tensorboard &` in a script; SIGHUP
    not, for that is what nohup asks. Once one came the rest are ignored: nothing cuts the clean-up
    short. For the main thread.
    """
    kept = {signal.SIGHUP} if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else set()
    before = {number: signal.signal(number, _end) for number in _ENDS if number not in kept}
    try:
        with contextlib.suppress(_Ended):
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def serving(
    root: Path, names: Sequence[str] = (), *, address: str, port: int | None, prefix: str = ""
) -> Iterator[Board]:
    """TensorBoard on the runs of these names (all, and those to come, if none), for the block.

    `port` is taken as it is, or None chooses. At the end the view and the note go; the server goes
    with the process. Raises NoSuchRun without a `root`, and what `choose_port` and `launch` raise.
    """
    if not root.is_dir():
        raise NoSuchRun(
            f"There are no runs to browse: {root} is no folder. `tracker run` makes it."
        )
    sweep(root)
    showing = dashboard.in_words(root, names)
    with View(root, names) as shown:
        port, remark = launch(root, shown, address, port, f"tracker: {showing}", prefix)
        remarks = [remark] if remark else []
        server = Server(
            process=this_process(),
            address=address,
            port=port,
            logdir=str(shown.logdir),
            showing=showing,
            started=stamp(utc_now()),
            prefix=prefix,
        )
        noted = None
        try:
            noted = dashboard.note(root, server)
        except Unavailable as error:  # somebody else's runs can be browsed all the same
            remarks.append(f"{error}. `--list` and `--stop` will not know this server.")
        try:
            yield Board(server, shown, tuple(remarks))
        finally:
            if noted is not None:
                noted.unlink(missing_ok=True)


def launch(
    root: Path, shown: View, address: str, wanted: int | None, title: str, prefix: str
) -> tuple[int, str | None]:
    """Start TensorBoard on a thread; returns its port, and why it is not the usual one.

    Raises what `choose_port` raises, and Unavailable where TensorBoard cannot start.
    """
    for _ in range(dashboard.PORTS_TRIED):
        port, remark = dashboard.choose_port(root, address, wanted)
        board = program.TensorBoard(plugins=_plugins())
        board.configure(
            argv=[None],
            logdir=str(shown.logdir),
            host=address,
            port=port,
            path_prefix=prefix,
            reload_interval=REFRESH_SECONDS,
            samples_per_plugin=SAMPLES,
            window_title=title,
            # By default the data server shows a flipped bit as a number.
            extra_data_server_flags="--checksum",
        )
        try:
            with contextlib.redirect_stderr(io.StringIO()):  # praise for its data server
                board.launch()
        except program.TensorBoardPortInUseError:
            continue  # somebody was faster: `choose_port` says who, or finds the next
        except program.TensorBoardServerException as error:
            raise Unavailable(f"TensorBoard did not start: {error.msg}") from error
        return port, remark
    raise Busy(f"every port tried at {address} was taken meanwhile; try again")


def sweep(root: Path) -> None:
    """Remove the notes and views of our servers that were killed."""
    for found in dashboard.find(root):
        if found.standing != "gone":
            continue
        logdir = Path(found.server.logdir)
        path = logdir if logdir.name.startswith(view.PREFIX) else logdir.parent
        # The note may be anybody's on a shared disk: only what looks like a view of ours goes.
        if path.name.startswith(view.PREFIX) and path.parent == Path(tempfile.gettempdir()):
            view.remove(path)
        with contextlib.suppress(OSError):  # not ours to remove
            found.file.unlink()


def _plugins() -> list[Any]:
    """Our tab, which so is the first, and every other plugin; where an installed one is broken,
    those that TensorBoard has."""
    try:
        found = default.get_plugins()
    except Exception:  # noqa: BLE001 - entry points run anybody's code, and plain TensorBoard dies
        found = default.get_static_plugins()
    # Ours is found too where tracker is installed, and TensorBoard refuses a name that comes twice.
    return [ComparePlugin, *(one for one in found if getattr(one, "plugin_name", "") != NAME)]


def _end(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    for each in _ENDS:
        signal.signal(each, signal.SIG_IGN)
    raise _Ended
