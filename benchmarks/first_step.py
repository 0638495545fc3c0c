"""How long until a run has taken its first step? Beside what any program must do before that.

    python -m benchmarks.first_step [--backbone NAME] [--repeats R] [--json FILE]

Fresh interpreters by turns: `tracker run` of a spec with default logging, which ends itself when
the first optimizer step is taken; and one that imports torch and torchvision, builds the same
network and takes one step on pictures of noise. Told is the processor time of each, which other
people's work on the machine disturbs less than the clock, and what ours takes more: reading the
spec, counting the network's operations, drawing 500 pictures, opening the run's directory, and the
pages that a run begins with. It may take less than nothing, for we keep Python's garbage collector
from walking what is being imported; so bare is told without the collector too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.measure import Row, machine, middle, parser, report

DONE = 42  # both leave so, for an interpreter with torch takes a second to clear up
OURS = f"""
import os, sys
from tracker.training.live import Live
Live.step = property(lambda live: 0, lambda live, step: os._exit({DONE}) if step else None)
from tracker.cli.main import main
sys.argv = ["tracker", "run", "first.json", "--again"]
main()
"""
BARE = f"""
import os, torch, torchvision
model = torchvision.models.get_model({{backbone!r}}, num_classes=10)
optimizer = torch.optim.SGD(model.parameters(), 0.1, 0.9, fused=True)
model(torch.randn(16, 3, 32, 32)).sum().backward()
optimizer.step()
os._exit({DONE})
"""


def seconds(program: str, place: Path) -> float:
    """Processor time of a program in a fresh interpreter, one thread. Raises where it fails."""
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=place,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        check=False,
    )
    after = os.times()
    if done.returncode != DONE:
        raise SystemExit(f"did not come to the end:\n{done.stderr.decode()[-2000:]}")
    user = after.children_user - before.children_user
    return user + after.children_system - before.children_system


def main() -> None:
    """Measure, print, and keep the result."""
    arguments = parser(__doc__)
    arguments.add_argument("--backbone", default="resnet18", help="one of torchvision's ResNets")
    given = arguments.parse_args()
    bare = BARE.format(backbone=given.backbone)
    programs = {
        "bare": bare,
        "bare, no collector": f"import gc\ngc.disable()\n{bare}",
        "tracker run": OURS,
    }
    document = {
        "name": "first",
        "data": {"name": "shapes", "train_size": 400, "val_size": 100},
        # torchvision's own stem: that for small pictures is thirty times the arithmetic
        "model": {"backbone": given.backbone, "stem": "imagenet"},
        "training": {"batch_size": 16, "device": "cpu", "precision": "float32"},
    }
    found: dict[str, list[float]] = {name: [] for name in programs}
    with TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "first.json").write_text(json.dumps(document))
        for program in programs.values():  # bytecode is written, files are read into memory
            seconds(program, place)
        for _ in range(given.repeats):
            for name, program in programs.items():
                found[name].append(seconds(program, place))
    rows: list[Row] = [
        {
            "program": name,
            **middle("s", taken),
            "over bare, s": median(
                one - other for one, other in zip(taken, found["bare"], strict=True)
            ),
            "goal": "≤ 0.5" if name == "tracker run" else "",
        }
        for name, taken in found.items()
    ]
    about = machine("torch", "torchvision", "tensorboard")
    report(f"To the first step of {given.backbone}", rows, about, given.json)


if __name__ == "__main__":
    main()
