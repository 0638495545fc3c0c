"""What the libraries under torch are told before it is imported."""

from __future__ import annotations

import os


def settle_libraries() -> None:
    """Let threads wait sensibly and cuBLAS repeat itself, unless the environment says otherwise."""
    # How long OpenMP's threads spin while they wait for each other; read when torch is imported.
    # The default, 300,000 rounds, makes training many times slower when anything else wants
    # the cores, for the thread waited for can't run; this is long enough for what comes at once.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what makes cuBLAS repeatable
