"""From a YAML profile, or the original JSON, to settings."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tidzam.config.settings import Settings, SourceSettings
from tidzam.errors import ConfigError

Location = tuple[int | str, ...]


def load_settings(path: Path) -> Settings:
    """The settings of a profile. The original JSON, which names sources only, is one too.

    Raises ConfigError naming every mistake: its line, what was found, what is allowed, the nearest known name.
    """
    tree = _parse(path)
    values = _construct(tree, path)
    try:
        return _anchored(Settings.model_validate(values), path.parent)
    except ValidationError as error:
        faults = sorted(error.errors(), key=lambda fault: _line_of(tree, fault["loc"]))
    raise ConfigError("\n".join(_describe(fault, tree, path) for fault in faults))


def load_sources(path: Path) -> tuple[SourceSettings, ...]:
    """The sources of a profile or of the original JSON file (`{"sources": [...]}`)."""
    return load_settings(path).sources


def _anchored(settings: Settings, folder: Path) -> Settings:
    """`settings` with every relative path starting at the profile's folder, wherever a program runs."""

    def anchor(path: Path | None) -> Path | None:
        return path and folder.resolve() / path.expanduser()

    def anchor_source(source: SourceSettings) -> SourceSettings:
        is_file = source.url is not None and "://" not in source.url
        url = str(anchor(Path(source.url))) if is_file and source.url else source.url
        return source.model_copy(update={"url": url, "path_database": anchor(source.path_database)})

    roots = tuple(anchor(root) for root in settings.stream_manager.media_roots)
    return settings.model_copy(
        update={
            "home": anchor(settings.home),
            "stream_manager": settings.stream_manager.model_copy(update={"media_roots": roots}),
            "analyzer": settings.analyzer.model_copy(update={"nn": anchor(settings.analyzer.nn)}),
            "sources": tuple(map(anchor_source, settings.sources)),
        }
    )


def _parse(path: Path) -> yaml.Node | None:
    """The file as marked YAML nodes. JSON is YAML, but for tabs, which its white space may hold."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.", hint="Name a readable YAML or JSON file.") from None
    try:
        return yaml.compose(text.replace("\t", "  "), Loader=_Loader)
    except yaml.YAMLError as error:
        raise _not_plain_yaml(path, error) from None


def _not_plain_yaml(path: Path, error: Exception) -> ConfigError:
    mark = getattr(error, "problem_mark", None)
    place = f"{path}:{mark.line + 1}" if mark else str(path)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or error
    return ConfigError(f"{place}: not plain YAML: {problem}.", hint="Mend that line.")


class _Loader(yaml.SafeLoader):
    """Plain YAML, where a repeated key is a mistake and not a silent loss."""


def _construct(tree: yaml.Node | None, path: Path) -> Any:
    if tree is None:
        return {}
    try:
        repeated = [key for node in _mappings(tree) for key in _repeated(node)]
        values = _Loader("").construct_document(tree)
    except RecursionError:
        raise ConfigError(f"{path}: an alias refers to itself.", hint="Write the value out.") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that is none
        raise _not_plain_yaml(path, error) from None
    if repeated:
        places = (f"{path}:{key.start_mark.line + 1}: {key.value} is set twice." for key in repeated)
        raise ConfigError("\n".join(places), hint="\nKeep one.")
    return values


def _mappings(node: yaml.Node) -> Iterator[yaml.MappingNode]:
    if isinstance(node, yaml.MappingNode):
        yield node
        for _, value in node.value:
            yield from _mappings(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _mappings(item)


def _repeated(node: yaml.MappingNode) -> list[yaml.Node]:
    keys = [key for key, _ in node.value]
    values = [key.value for key in keys]
    return [key for index, key in enumerate(keys) if key.value in values[:index]]


def _describe(fault: ErrorDetails, tree: yaml.Node | None, path: Path) -> str:
    """One mistake as `file:line: place: what is wrong`."""
    location = fault["loc"]
    where = ".".join(map(str, location))
    place = f"{path}:{_line_of(tree, location)}: {where}" if where else f"{path}"
    if fault["type"] == "extra_forbidden":
        return f"{place}: unknown name. {_suggest(location)}"
    message = fault["msg"].removeprefix("Value error, ")
    found = "" if fault["type"] in ("value_error", "missing") else f"found {fault['input']!r}; "
    return f"{place}: {found}{message[0].lower()}{message[1:]}."


def _line_of(tree: yaml.Node | None, location: Location) -> int:
    """The line, from 1, of the innermost node on the way to `location`."""
    node, line = tree, 1
    for step in location:
        found = _step(node, step)
        if found is None:
            break
        line, node = found
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


def _suggest(location: Location) -> str:
    allowed = sorted(_allowed_names(location[:-1]))
    nearest = difflib.get_close_matches(str(location[-1]), allowed, n=1)
    guess = f"Did you mean {nearest[0]}? " if nearest else ""
    return f"{guess}Allowed here: {', '.join(allowed)}."


def _allowed_names(location: Location) -> set[str]:
    """The field names of the section at `location`, as they are written in a file."""
    model: type[BaseModel] = Settings
    for step in location:
        if isinstance(step, int):
            continue
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        model = _section_in(fields[step].annotation)
    return {field.alias or name for name, field in model.model_fields.items()}


def _section_in(annotation: Any) -> type[BaseModel]:
    """The section type inside `Section`, `Section | None` or `tuple[Section, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = [arg for arg in annotation.__args__ if isinstance(arg, type) and issubclass(arg, BaseModel)]
    return inner[0]
