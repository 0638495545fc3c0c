"""Every command the pages show is run, and says what they say it says.

In a page, a block fenced as `sh` holds commands, one a line; `# exits N` says how one ends if not
with 0. A block fenced as `console` shows commands after `$ ` and what they print, where `…` stands
for anything. `<!-- file: NAME -->` before a block puts its text into that file. A block fenced as
`python` is run as it stands, after what came before it in its page.
"""

import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tracker.cli.main import main
from tracker.events.writer import EventWriter

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"(?:<!-- file: (\S+) -->\n+)?```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# What a reader lets run for minutes, a test lets run for a moment.
BRIEFLY = ["--max-steps", "1", "--seeds", "0", "--set", "training.batch_size=4"]


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
        for name in ("cat", "dog"):
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


def is_ours(line: str) -> bool:
    return line.startswith("tracker ")


def typed(line: str) -> list[str]:
    """Return the arguments of a `tracker` line, made brief."""
    arguments = shlex.split(line)[1:]
    if arguments[0] == "run" and "--dry-run" not in arguments:
        return arguments + BRIEFLY
    if arguments[0] in ("tensorboard", "tb") and not {"--list", "--stop"} & {*arguments}:
        return [*arguments, "--help"]  # it would serve until Ctrl-C; its own tests do that
    return arguments


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_does_what_the_page_says(
    page: Path, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, object] = {}
    for name, language, text in BLOCK.findall(page.read_text()):
        if name:
            (desk / name).write_text(text)
        if language == "python":
            exec(compile(text, page.name, "exec"), names)
        for command in commands(language, text):
            if not is_ours(command.line):
                continue
            code = main(typed(command.line))
            said = capsys.readouterr()
            assert code == command.code, f"{command.line}\n{said.err}"
            printed = (said.out + said.err).splitlines()
            for line in command.prints:
                pattern = ".*".join(map(re.escape, line.strip().split("…")))
                assert any(re.fullmatch(rf"\s*{pattern}\s*", one) for one in printed), (
                    f"{command.line} does not print {line!r} but\n{said.out}{said.err}"
                )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} points to {target}"


def test_the_pages_name_benchmarks_that_exist() -> None:
    for page in PAGES:
        for module in re.findall(r"python -m benchmarks\.(\w+)", page.read_text()):
            assert (ROOT / "benchmarks" / f"{module}.py").exists(), f"{page.name}: {module}"
