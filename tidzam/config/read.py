"""Reads YAML or JSON files into typed values; all errors are reported together, each with its line."""

from __future__ import annotations

import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tidzam.config.names import (
    LocatedFault,
    alias_fault,
    misread,
    misread_names,
    nested_labels,
    repeated,
    repeated_names,
)
from tidzam.errors import ConfigError
from tidzam.suggest import did_you_mean
from tidzam.validation import reason

Location = tuple[int | str, ...]
Model = TypeVar("Model", bound=BaseModel)


_SHOWN_CHARACTERS: Final = 120


def read_model(path: Path, model: type[Model], *, labels: str = "") -> Model:
    """The file as a `model`, whose field `labels` is a label tree.

    Raises ConfigError for all errors together: line, value found, what is allowed, nearest known name.
    """
    tree = _parse(path)
    values = _construct(tree, path)
    faults = _label_faults(_field(tree, labels), path)
    try:
        value = model.model_validate(values)
        if not faults:
            return value
    except ValidationError as error:
        of_model = [fault for fault in error.errors() if not faults or fault["loc"] != (labels,)]
        faults += [(_line_of(tree, fault["loc"]), _describe(fault, tree, path, model)) for fault in of_model]
    raise ConfigError("\n".join(text for _, text in sorted(faults, key=lambda fault: fault[0])))


def _parse(path: Path) -> yaml.Node | None:
    """The file as marked YAML nodes. JSON is YAML, but for tabs, which its white space may hold."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.", hint="Pass a readable YAML or JSON file.") from None
    try:
        return yaml.compose(text.replace("\t", "  "), Loader=_Loader)
    except yaml.YAMLError as error:
        raise not_plain_yaml(path, error) from None
    except RecursionError:
        raise ConfigError(f"{path}: it is nested too deeply.", hint="Use fewer levels.") from None


def not_plain_yaml(path: Path, error: Exception) -> ConfigError:
    """The error of a parser, in one line."""
    mark = getattr(error, "problem_mark", None)
    place = f"{path}:{mark.line + 1}" if mark else str(path)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or error
    return ConfigError(f"{place}: invalid YAML: {problem}.", hint="Correct that line.")


class _Loader(yaml.SafeLoader):
    """Plain YAML."""


def _construct(tree: yaml.Node | None, path: Path) -> Any:
    if tree is None:
        return {}
    if fault := alias_fault(tree):
        raise ConfigError(f"{path}: {fault}.", hint="Write out the values instead of using aliases.")
    require_names(tree, path)
    try:
        return _Loader("").construct_document(tree)
    except (yaml.YAMLError, ValueError, AttributeError, LookupError, TypeError) as error:  # of tags that do not fit
        raise not_plain_yaml(path, error) from None


def require_names(tree: yaml.Node, path: Path) -> None:
    """Raises ConfigError for each name in a file that YAML would misread, and for those set twice in one section."""
    twice = list(repeated_names(tree))
    if faults := sorted([*misread_names(tree), *twice]):
        separator = "\n" if len(faults) > 1 else ""
        hint = f"{separator}Keep one of them." if twice else ""
        raise ConfigError("\n".join(f"{path}:{line}: {text}." for line, text in faults), hint=hint)


def _label_faults(labels: yaml.Node | None, path: Path) -> list[LocatedFault]:
    """The errors in the labels of a nested tree, each as `file:line: error`."""
    among = list(nested_labels(labels))
    found = [*misread(among), *repeated(among, "occurs twice in the tree")]
    return [(line, f"{path}:{line}: {text}.") for line, text in found]


def _field(tree: yaml.Node | None, name: str) -> yaml.Node | None:
    found = _step(tree, name) if name else None
    return None if found is None or found[1].tag == "tag:yaml.org,2002:null" else found[1]


def _describe(fault: ErrorDetails, tree: yaml.Node | None, path: Path, model: type[BaseModel]) -> str:
    """One error as `file:line: name: error`."""
    location = fault["loc"]
    where = ".".join(map(str, location))
    place = f"{path}:{_line_of(tree, location)}: {where}" if where else f"{path}"
    if fault["type"] == "extra_forbidden":
        return f"{place}: unknown name. {suggest(location, model)}"
    whole = fault["type"] == "missing" or (fault["type"] == "value_error" and not isinstance(fault["input"], str))
    found = "" if whole else f"found {_shown(fault['input'])}; "
    return f"{place}: {found}{reason(fault)}."


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _line_of(tree: yaml.Node | None, location: Location) -> int:
    """The line, from 1, of the innermost node on the way to `location`.

    Steps that are not in the file are skipped: missing names, and the tag by which Pydantic identifies a union member.
    """
    node, line = tree, 1
    for step in location:
        line, node = _step(node, step) or (line, node)
    return line


def _step(node: yaml.Node | None, step: int | str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        item = node.value[step]
        return item.start_mark.line + 1, item
    return None


def suggest(location: Location, model: type[BaseModel]) -> str:
    """A hint for the unknown name at `location`: the nearest allowed name, and all that are allowed there."""
    allowed = sorted(_allowed_names(location[:-1], model))
    return f"{did_you_mean(str(location[-1]), allowed)}Allowed here: {', '.join(allowed)}."


def _allowed_names(location: Location, model: type[BaseModel]) -> set[str]:
    """The field names of the section at `location`, as they are written in a file."""
    sections = [model]
    for step in location:
        if isinstance(step, str):
            sections = _sections_at(sections, step)
    return {field.alias or name for section in sections for name, field in section.model_fields.items()}


def _sections_at(sections: list[type[BaseModel]], step: str) -> list[type[BaseModel]]:
    """The sections that `step` leads to: those under a field of that name, or the one of that kind in a union."""
    found = []
    for section in sections:
        for name, field in section.model_fields.items():
            if (field.alias or name) == step:
                found += list(_sections_in(field.annotation))
    return found or [section for section in sections if step in _kinds_of(section)]


def _kinds_of(section: type[BaseModel]) -> set[object]:
    """The values of the literal fields of a section: one of them identifies a member of a union."""
    return {value for field in section.model_fields.values() for value in get_args(field.annotation)}


def _sections_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The section types inside `Section`, `Section | None`, `tuple[Section, ...]` or a union of sections."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (Union, types.UnionType, Annotated, tuple, list):
        for inner in get_args(annotation):
            yield from _sections_in(inner)
