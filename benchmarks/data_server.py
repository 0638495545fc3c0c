"""TensorBoard's own data server, asked for all scalars of a folder, as its pages would ask.

The server is a compiled program (Rust) that reads runs on all cores. It is started for one answer;
its time runs from there until every run is loaded and all points have come over gRPC. Turning them
into arrays is not counted, and checksums are verified only if asked for.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tensorboard.data import grpc_provider
from tensorboard.data.proto import data_provider_pb2 as proto

_POLL = 0.002  # seconds
_LARGEST = 1 << 28  # bytes of an answer, as TensorBoard allows


def read(root: Path, last_steps: dict[str, int], *, check: bool) -> tuple[int, int]:
    """Load every run under `root`; return the number of points, and the server's peak in bytes.

    `last_steps` says when a run is loaded: where its tags have come so far.
    """
    with _serving(root, check=check) as (server, stub):
        while _loaded(stub) != last_steps:
            time.sleep(_POLL)
        asked = [
            stub.ReadScalars.future(
                proto.ReadScalarsRequest(
                    plugin_filter={"plugin_name": "scalars"},
                    run_tag_filter={"runs": {"names": [run]}},
                    downsample={"num_points": 1 << 40},
                )
            )
            for run in last_steps
        ]
        return sum(_points(one.result()) for one in asked), _peak(server)


def _loaded(stub: Any) -> dict[str, int]:
    """The least last step of any tag, by run."""
    answer = stub.ListScalars(
        proto.ListScalarsRequest(plugin_filter={"plugin_name": "scalars"}, run_tag_filter={})
    )
    return {
        run.run_name: min(tag.metadata.max_step for tag in run.tags)
        for run in answer.runs
        if len(run.tags)
    }


def _points(answer: Any) -> int:
    return sum(len(tag.data.value) for run in answer.runs for tag in run.tags)


def _peak(pid: int) -> int:
    """The most bytes a process ever held; 0 where the system does not say."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


@contextmanager
def _serving(root: Path, *, check: bool) -> Iterator[tuple[int, Any]]:
    grpc = import_module("grpc")  # neither it nor the server comes with types
    binary = import_module("tensorboard_data_server").server_binary()
    with TemporaryDirectory() as folder:
        port_file = Path(folder) / "port"
        command = [
            *(binary, "--logdir", root, "--port", "0", "--port-file", port_file),
            *("--reload", "once", "--samples-per-plugin", "scalars=all", "--die-after-stdin"),
            "--checksum" if check else "--no-checksum",
        ]
        with subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE) as server:
            while not (port_file.exists() and port_file.read_text().endswith("\n")):
                if server.poll() is not None:
                    raise SystemExit(f"the data server ended with {server.returncode}")
                time.sleep(_POLL)
            with grpc.secure_channel(
                f"localhost:{int(port_file.read_text())}",
                grpc.local_channel_credentials(),
                options=[("grpc.max_receive_message_length", _LARGEST)],
            ) as channel:
                yield server.pid, grpc_provider.make_stub(channel)
            server.kill()
