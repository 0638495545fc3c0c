import subprocess
import sys
from pathlib import Path

from tracker.spec.document import pages
from tracker.spec.schema import fields

PAGE = Path(__file__).parents[3] / "docs" / "spec.md"


def test_the_reference_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == pages(), "run `make docs`"


def test_every_field_is_in_it() -> None:
    text = pages()
    for path in fields():
        name = path.rpartition(".")[2]
        assert f"| `{name}` |" in text or f"`{name}`: " in text


def test_the_command_writes_utf8_whatever_the_locale() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tracker.spec.document"],
        env={"LC_ALL": "C", "PYTHONUTF8": "0"},
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode("utf-8") == pages()
