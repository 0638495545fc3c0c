"""Writes docs/spec.md from the schema: `python -m tracker.spec.document > docs/spec.md`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from tracker.spec.schema import Schema, resolved, variants

_INTRODUCTION = """\
# The experiment file

*Written by `make docs` from `tracker/spec/schema.json`; change that, not this.*

An experiment is one JSON file. Only `name` is required; every other field has the default given
here. This is a whole one, asking a question of six runs:

```json
{
  "$schema": "../tracker/spec/schema.json",
  "name": "cifar10-backbones",
  "description": "Does squeeze-and-excitation help ResNet-50 on CIFAR-10?",
  "optimizer": {"name": "sgd", "lr": 0.1},
  "training": {"epochs": 30},
  "matrix": {"model.backbone": ["resnet50", "se_resnet50"], "seed": [0, 1, 2]}
}
```

`tracker validate FILE` checks a file without running it and reports everything that is wrong at
once, each with its place, the rule, and the nearest valid name:

```
experiments/a.json:5:30: optimizer.lr: must be above 0, and is 0
experiments/a.json:5:38: optimizer.wd: unknown key 'wd'; did you mean 'weight_decay'?
experiments/a.json:6:26: training.epochs: an integer is expected, not the number 30.0; write 30
```

"""

_GUIDE = """\
## How the parts work together

### `matrix`: several runs from one file
Each key is the dotted path of a field, each value the list of what that field takes. Every
combination is a run, the last axis changing fastest, at most 1000 in all; each is checked in full.
A run lives in `runs/<name>/<variant>/s<seed>`. The variant is made of the axes other than the
seed: the backbone stands alone, anything else follows its field's name, as in
`se_resnet50,lr=0.1`. Without such axes it is the backbone.

### `extends`: a file upon a file
`"extends": "base.json"` names another experiment file, relative to this one. Objects are merged
key by key; anything else, lists included, is replaced. Only `$schema`, `extends` and `variant`
are not passed on. Up to 16 files may extend one another; circles are refused.

### `--set`: the command line upon the file
`--set optimizer.lr=0.05` replaces one value, as often as needed, each path once. The value is read
as JSON, and taken as a string where it isn't JSON: `--set model.backbone=resnet18` needs no
quotes, and a string that looks like a number is written `--set 'description="2024"'`. A block given
whole replaces the whole block: `--set 'optimizer={"name": "adam"}'`, `--set matrix={}`. What is set
is checked like the file. `--seeds 0,1,2` replaces the seed axis, `--max-steps N` is
`training.max_steps`.

### What all three have in common
A later layer's word wins, in the order `extends`, file, `--set`, `matrix`.
- Where it makes a block another variant (`optimizer.name` from sgd to adam), the fields that only
  the former has (`momentum`) go, and those that both have (`lr`) stay.
- Where it sets a field that an earlier layer's matrix varies, that axis keeps the one value, and so
  the run keeps the name that it has in the full matrix.

### Strict JSON
UTF-8, at most 1 MB, nested at most 64 deep. No comments, no trailing commas, no duplicate keys, no
NaN or Infinity, no number that doesn't fit. Integers are written as integers: `1.0` and `1e3` are
refused. A file holds facts only: it can name no code, and `$schema` is never fetched.

### Completion in editors
VS Code completes, explains and checks a file whose first key leads to the schema, by a path that
is relative to the file and begins with a dot; nothing needs to be installed. In a clone, that of a
file in `experiments/` is `"$schema": "../tracker/spec/schema.json"`. For one that lies elsewhere,
`tracker schema > schema.json` writes the schema of the version installed beside it:

```json
{
  "$schema": "./schema.json",
  "name": "elsewhere"
}
```

PyCharm and the other JetBrains editors do the same, and can also be told once for all files under
*Settings, Languages & Frameworks, Schemas and DTDs, JSON Schema Mappings*. `tracker init` writes
the key: the relative path where file and package both lie in the working directory, else a `file:`
URI, which holds on this machine alone.

"""


def pages() -> str:
    """The whole of docs/spec.md."""
    return "".join([_INTRODUCTION, *_sections(), _GUIDE]).rstrip("\n") + "\n"


def _sections() -> Iterator[str]:
    top = resolved()
    plain = {key: part for key, part in top["properties"].items() if not _is_block(part)}
    yield "## Top level\n" + _table(plain, "name")
    for name, part in top["properties"].items():
        if not _is_block(part):
            continue
        yield f"## `{name}`\n{part['description']}\n\n"
        if "oneOf" in part:
            yield from _branches(name, part)
        elif "properties" in part:
            yield _table(part["properties"])
            yield from _nested(name, part["properties"])
        else:
            yield f"For example `{json.dumps(part['examples'][0])}`; see below.\n\n"


def _branches(name: str, part: Schema) -> Iterator[str]:
    by, default = variants()[name].by, variants()[name].default
    for branch in part["oneOf"]:
        field = branch["properties"][by]
        names = field.get("enum") or ([field["const"]] if "const" in field else field["examples"])
        yield f"### `{by}`: {_codes(names)}\n{branch['description']}"
        yield f" The default is `{default}`.\n\n" if default in names else "\n\n"
        fields = {key: item for key, item in branch["properties"].items() if key != by}
        yield _table(fields) if fields else ""


def _nested(name: str, properties: Schema) -> Iterator[str]:
    """A table for each block in a block; one for all that take the same fields."""
    alike: dict[str, list[str]] = {}
    for key, part in properties.items():
        if "properties" in part:
            body = f"{part['description']}\n\n" + _table(part["properties"])
            alike.setdefault(body, []).append(f"`{name}.{key}`")
    for body, names in alike.items():
        yield f"### {', '.join(names)}\n{body}"


def _is_block(part: Schema) -> bool:
    return part.get("type") == "object"


def _table(properties: Schema, required: str = "") -> str:
    lines = ["| field | takes | default | meaning |", "|---|---|---|---|"]
    for key, part in properties.items():
        default = "required" if key == required else _default(part)
        lines.append(f"| `{key}` | {_takes(part)} | {default} | {part['description']} |")
    return "\n".join(lines) + "\n\n"


def _default(part: Schema) -> str:
    return f"`{json.dumps(part['default'])}`" if "default" in part else ""


def _takes(part: Schema) -> str:
    if "const" in part or "enum" in part:
        values = part.get("enum") or [part["const"]]
        return "the dotted path of a field, or null" if len(values) > 40 else _codes(values)
    types = [part["type"]] if isinstance(part["type"], str) else part["type"]
    words = " or ".join(t for t in types if t != "null")
    if "array" in types:
        words = f"list of {_takes(part['items'])}"
    return words + _bounds(part) + (", or null" if "null" in types else "")


def _bounds(part: Schema) -> str:
    said = [
        f"{words} {part[keyword]}"
        for keyword, words in (
            ("minimum", "≥"),
            ("exclusiveMinimum", ">"),
            ("maximum", "≤"),
            ("exclusiveMaximum", "<"),
        )
        if keyword in part
    ]
    return f", {' and '.join(said)}" if said else ""


def _codes(values: list[Any]) -> str:
    return ", ".join(f"`{v if isinstance(v, str) else json.dumps(v)}`" for v in values)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
    sys.stdout.write(pages())
