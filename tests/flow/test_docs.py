"""Every command the pages show is run, and says what they say it says.

In a page, a block fenced as `sh` holds commands, one a line; `# exits N` says how one ends if not
with 0. A block fenced as `console` shows commands after `$ ` and what they print, where `…` stands
for anything. `<!-- file: NAME -->` before a block puts its text into that file. A block fenced as
`python` is run as it stands, after what came before it in its page. Lines that begin with neither
`tracker` nor `python experiments/` are other programs' and are not run.

The tutorials learn from CIFAR-10 and from published weights. Here the one is a few pictures of
noise in its format, the others are random numbers.
"""

import hashlib
import pickle
import re
import runpy
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torchvision.datasets import CIFAR10
from torchvision.models import vgg

from tracker.cli.main import main
from tracker.events.writer import EventWriter
from tracker.models import published
from tracker.models.build import build
from tracker.models.weights import Taken
from tracker.spec.experiment import Model

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
TUTORIALS = ROOT / "docs" / "tutorials"
BLOCK = re.compile(r"(?:<!-- file: (\S+) -->\n+)?```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# What a reader lets run for minutes, a test lets run for a moment.
BRIEFLY = ["--max-steps", "1", "--seeds", "0", "--set", "training.batch_size=4"]
SMALL = ["--set", "data.image_size=64", "--set", "data.resize=64"]
FEW = ["--train", "8", "--val", "4"]
CLASSES = [
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
]


@dataclass
class Command:
    """One line of a page: what is typed, the exit code it promises, and the lines it prints."""

    line: str
    code: int
    prints: list[str]


def commands(language: str, text: str) -> Iterator[Command]:
    if language == "sh":
        for line in text.replace("\\\n", " ").splitlines():
            typed, _, note = line.partition(" #")
            code = re.search(r"exits (\d+)", note)
            yield Command(typed.strip(), int(code[1]) if code else 0, [])
    elif language == "console":
        for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            line, *prints = part.rstrip().splitlines()
            typed, _, note = line.partition(" #")
            code = re.search(r"exits (\d+)", note)
            yield Command(typed.strip(), int(code[1]) if code else 0, prints)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a reader's folder: the shipped experiments, a few pictures, old event files."""
    shutil.copytree(ROOT / "experiments", tmp_path / "experiments")
    generator = np.random.default_rng(0)
    for split in ("train", "test"):
        for name in CLASSES:
            folder = tmp_path / "path" / "to" / "cifar10" / split / name
            folder.mkdir(parents=True)
            for number in range(4):
                pixels = generator.integers(0, 256, (32, 32, 3), np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.png")
    for run in ("resnet50/seed_0", "resnet50/seed_1", "se_resnet50/seed_0"):
        with EventWriter(tmp_path / "old_logs" / run, clock=lambda: 1.7e9) as writer:
            writer.scalars(0, {"val_acc": 0.5, "train_loss": 2.0})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


class Narrow(nn.Linear):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(64 if inputs == 4096 else inputs, 64 if outputs == 4096 else outputs)


@pytest.fixture
def offline(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put something into the place of what a reader of the tutorials downloads."""
    folder = desk / "data" / CIFAR10.base_folder
    folder.mkdir(parents=True)
    generator = np.random.default_rng(0)
    sums = {}
    for name, _ in (*CIFAR10.train_list, *CIFAR10.test_list, (CIFAR10.meta["filename"], "")):
        pixels = generator.integers(0, 256, (20, 3072), np.uint8)
        content = {"data": pixels, "labels": [*range(10)] * 2, "label_names": CLASSES}
        (folder / name).write_bytes(pickle.dumps(content, protocol=2))
        sums[name] = hashlib.md5((folder / name).read_bytes(), usedforsecurity=False).hexdigest()
    for names in ("train_list", "test_list"):
        known = [[name, sums[name]] for name, _ in getattr(CIFAR10, names)]
        monkeypatch.setattr(CIFAR10, names, known)
    meta = {**CIFAR10.meta, "md5": sums[CIFAR10.meta["filename"]]}
    monkeypatch.setattr(CIFAR10, "meta", meta)

    def fetch(spec: Model, image_size: int, _: object) -> Taken:
        state = build(spec, num_classes=1000, seed=0, image_size=image_size).state_dict()
        return Taken(state, f"{spec.backbone} {spec.weights}", "0" * 64)

    cadenes = Model(backbone="se_resnet50", stem="imagenet", width=None, layout="caffe")
    random = build(cadenes, num_classes=1000, seed=0).state_dict()
    torch.save(random, desk / "se_resnet50-ce0d4300.pth")
    monkeypatch.setattr(published, "fetch", fetch)
    # VGG16's linear layers are nine tenths of it: its checkpoints would fill the disk
    monkeypatch.setattr(vgg, "nn", SimpleNamespace(**{**vars(nn), "Linear": Narrow}))
    carry_out("python experiments/tutorials/draw_insects.py hymenoptera_data", monkeypatch)


def is_ours(line: str) -> bool:
    return line.startswith(("tracker ", "python experiments/"))


def carry_out(line: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Do what a line of a page says, made brief; return the exit code."""
    if line.startswith("tracker "):
        return main(typed(line))
    _, script, *arguments = shlex.split(line)
    monkeypatch.setattr("sys.argv", [script, *arguments, *FEW])
    runpy.run_path(script, run_name="__main__")
    return 0


def typed(line: str) -> list[str]:
    """Return the arguments of a `tracker` line, made brief."""
    arguments = shlex.split(line)[1:]
    if arguments[0] == "run" and "--dry-run" not in arguments:
        return arguments + BRIEFLY + (SMALL if "vgg16.json" in line else [])
    if arguments[0] in ("tensorboard", "tb") and not {"--list", "--stop"} & {*arguments}:
        return [*arguments, "--help"]  # it would serve until Ctrl-C; its own tests do that
    return arguments


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_command_of_a_page_does_what_the_page_says(
    page: Path,
    desk: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if page.parent == TUTORIALS:
        request.getfixturevalue("offline")
    names: dict[str, object] = {}
    for name, language, text in BLOCK.findall(page.read_text()):
        if name:
            (desk / name).write_text(text)
        if language == "python":
            exec(compile(text, page.name, "exec"), names)
        for command in commands(language, text):
            if not is_ours(command.line):
                continue
            code = carry_out(command.line, monkeypatch)
            said = capsys.readouterr()
            assert code == command.code, f"{command.line}\n{said.err}"
            printed = (said.out + said.err).splitlines()
            for line in command.prints:
                pattern = ".*".join(map(re.escape, line.strip().split("…")))
                assert any(re.fullmatch(rf"\s*{pattern}\s*", one) for one in printed), (
                    f"{command.line} does not print {line!r} but\n{said.out}{said.err}"
                )


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} points to {target}"


def test_the_pages_name_benchmarks_that_exist() -> None:
    for page in PAGES:
        for module in re.findall(r"python -m benchmarks\.(\w+)", page.read_text()):
            assert (ROOT / "benchmarks" / f"{module}.py").exists(), f"{page.name}: {module}"
