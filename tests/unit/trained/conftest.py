"""One short run on two classes of pictures, trained once for all tests of this room."""

from pathlib import Path

import pytest

from tests.trained import draw, train
from tracker.store.run import Run
from tracker.trained.network import Network, open_network


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    draw(folder / "train", count=16)
    draw(folder / "val", count=9)
    return folder


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> Run:
    """Four steps, two epochs, an average of the weights; pictures of 24 cut out of 28."""
    [run] = train(
        tmp_path_factory.mktemp("desk") / "runs",
        {
            "name": "marks",
            "data": {
                "name": "image_folder",
                "root": str(pictures),
                "image_size": 24,
                "resize": 28,
            },
            "model": {"backbone": "resnet9", "width": 4},
            "optimizer": {"name": "sgd", "lr": 0.05},
            "training": {
                "epochs": 2,
                "batch_size": 16,
                "eval_batch_size": 7,
                "ema_decay": 0.5,
                "threads": 1,
                "precision": "float32",
            },
            "logging": {"graph": False, "git_diff": False, "projector": False},
        },
    )
    return run


@pytest.fixture(scope="session")
def network(run: Run) -> Network:
    """Its last weights, on the CPU; not to be changed."""
    return open_network(run, "last", "cpu")
