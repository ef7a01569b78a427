"""`python -m trainer.training_file_reference`: the training file as Markdown, for docs/training-file.md."""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tidzam.audio.features import FeatureSpec
from tidzam.labels import LabelTree
from trainer.data.augmentation import BUILT_IN, find_augmentation
from trainer.training_file import SIGMOID_AUGMENTATIONS, FeatureOverrides, TrainingFile, to_yaml

INTRODUCTION = """# Training file

Settings of a training in YAML, for `python -m trainer --training-file FILE`. A file contains only the keys that it
changes; options of the command line override it. Mistakes are reported all at once, each with its line, the value
found, what is allowed and the nearest known name. The complete file of a training is written to
`OUT.training/training.yaml` and into the bundle's model card. [Training](training.md) shows how to use it.
"""

AUGMENTATIONS = """## `augment`

A list of augmentations: random changes to the training windows, applied in the order of the list. Each item has the
name of an augmentation as `step`, and its parameters:

    augment:
      - {{step: crop, inside: 0.7}}
      - {{step: gain, db: [-10, 10]}}

By default the list is, with sigmoid, {sigmoid} with their default parameters; with softmax:

```yaml
{softmax_yaml}
```

Packages can add augmentations; [Extending Tidzam](extending.md) shows how.
"""

FEATURES = FeatureSpec().to_dict()
"""The defaults of features."""
TYPE_NAMES: Mapping[Any, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    dict: "mapping",
    LabelTree: "nested mapping of labels",
    type(None): "null",
}


def document() -> str:
    """The text of docs/training-file.md."""
    sections = [(name, section) for name, field in TrainingFile.model_fields.items() if (section := _section(field))]
    parts = [INTRODUCTION, "## Top level\n", _table(TrainingFile)]
    for name, section in sections:
        parts += [f"## `{name}`\n", _doc(section), _table(section)]
    parts.append(_augmentations())
    for name in BUILT_IN:
        found = find_augmentation(name)
        parts += [f"### `{name}`\n", _doc(found), _table(found)]
    return "\n".join(parts)


def _augmentations() -> str:
    softmax = TrainingFile(activation="softmax")
    lines = to_yaml(softmax).splitlines()
    start = lines.index("augment:")
    stop = next(k for k in range(start + 1, len(lines)) if not lines[k].startswith(("-", " ")))
    return AUGMENTATIONS.format(
        sigmoid=", ".join(f"`{one.step}`" for one in SIGMOID_AUGMENTATIONS),
        softmax_yaml="\n".join(lines[start:stop]),
    )


def _section(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _doc(section: type[BaseModel]) -> str:
    paragraphs = (section.__doc__ or "").split("\n\n")
    return "\n\n".join(" ".join(one.split()) for one in paragraphs) + "\n"


def _table(section: type[BaseModel]) -> str:
    rows = ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
    for name, field in section.model_fields.items():
        if name == "step" or _section(field):
            continue
        meaning = (field.description or "").replace("|", "\\|")
        default = _default(
            FEATURES[name] if section is FeatureOverrides else field.get_default(call_default_factory=True)
        )
        rows.append(f"| `{name}` | {_type(field)} | {default} | {meaning} |")
    return "\n".join([*rows, ""])


def _default(value: Any) -> str:
    return "none" if value is None or value in ((), {}) else f"`{_written(value)}`"


def _written(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_written, value))}]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _type(field: FieldInfo) -> str:
    names = [name for name in _type_names(field.annotation) if name != "null"]
    return _limited(" or ".join(dict.fromkeys(names)), field.metadata)


def _type_names(kind: Any) -> Iterator[str]:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        constraints = getattr(arguments[1], "metadata", ())
        yield from (_limited(name, constraints) for name in _type_names(arguments[0]))
    elif origin in (Union, types.UnionType):
        if any(isinstance(one, type) and issubclass(one, BaseModel) for one in arguments):
            yield "augmentation"
            return
        for one in arguments:
            yield from _type_names(one)
    elif origin is Literal:
        yield from (f"`{value}`" for value in arguments)
    elif origin is tuple:
        inner, *limits = " or ".join(_type_names(arguments[0])).split(" ", 1)
        count = "" if arguments[-1] is Ellipsis else f"{len(arguments)} "
        yield " ".join([f"list of {count}{inner}s", *limits])
    else:
        yield TYPE_NAMES.get(origin or kind, "any")


def _limited(kind: str, constraints: Iterable[Any]) -> str:
    """A type with its bounds, such as `number ≥ 0, < 1`."""
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    limits = [
        f"{sign} {getattr(one, name)}" for one in constraints for name, sign in signs.items() if hasattr(one, name)
    ]
    return f"{kind} {', '.join(limits)}".rstrip()


if __name__ == "__main__":
    print(document(), end="")
