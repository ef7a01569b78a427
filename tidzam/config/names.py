"""Names that YAML reads as something else: `no` as false, `12` as a number, `2024-01-01` as a date."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

import yaml

from tidzam.labels import clean_label

_STRING: Final = "tag:yaml.org,2002:str"
_NULL: Final = "tag:yaml.org,2002:null"
_MERGE: Final = "tag:yaml.org,2002:merge"
_KINDS: Final = {
    "tag:yaml.org,2002:bool": "true or false",
    "tag:yaml.org,2002:int": "a number",
    "tag:yaml.org,2002:float": "a number",
    "tag:yaml.org,2002:timestamp": "a date",
    _NULL: "no value",
}
_EXPONENT: Final = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+", re.ASCII)
"""What YAML 1.2 reads as a number, and this reader as text: another program would read a different name."""

MAX_VALUES: Final = 100_000

LocatedFault = tuple[int, str]
"""A line number, from 1, and the error on that line."""


def misread_names(tree: yaml.Node | None) -> Iterator[LocatedFault]:
    """Every name in a file that YAML does not read as text."""
    for node in _mappings(tree):
        yield from misread(key for key, _ in node.value if key.tag != _MERGE)


def misread(nodes: Iterable[yaml.Node]) -> Iterator[LocatedFault]:
    """The errors of those `nodes` that are not read as text."""
    for node in nodes:
        line = node.start_mark.line + 1
        if not isinstance(node, yaml.ScalarNode):
            yield line, "a name is text, not a list or a mapping"
        elif (kind := _kind(node)) and not node.value:
            yield line, "a name is missing"
        elif kind:
            yield line, f"YAML reads {node.value} as {kind}; if it is a name, quote it: '{node.value}'"


def repeated_names(tree: yaml.Node | None) -> Iterator[LocatedFault]:
    """Every name that is set twice in one mapping. Names that differ only in their Unicode form are the same."""
    for node in _mappings(tree):
        yield from repeated([key for key, _ in node.value if key.tag != _MERGE])


def repeated(nodes: Iterable[yaml.Node], how: str = "is set twice") -> Iterator[LocatedFault]:
    """The errors of those `nodes` that have the name of an earlier one."""
    lines: dict[str, int] = {}
    for node in nodes:
        if not isinstance(node, yaml.ScalarNode):
            continue
        line, name = node.start_mark.line + 1, clean_label(node.value)
        if name in lines:
            yield line, f"{name} {how}: on line {lines[name]} and on line {line}"
        lines.setdefault(name, line)


def nested_labels(tree: yaml.Node | None) -> Iterator[yaml.Node]:
    """The labels of a nested tree such as `{birds: [crow, goose], rain: }`."""
    if isinstance(tree, yaml.MappingNode):
        for key, below in tree.value:
            yield key
            if below.tag != _NULL:
                yield from nested_labels(below)
    elif isinstance(tree, yaml.SequenceNode):
        for one in tree.value:
            yield from nested_labels(one)
    elif isinstance(tree, yaml.ScalarNode):
        yield tree


def alias_fault(tree: yaml.Node) -> str:
    """The error of the aliases in a file: one contains itself, or they expand to too many values. Empty if neither."""
    try:
        size = _expanded_size(tree, {})
    except RecursionError:
        return "an alias refers to itself"
    return f"its aliases expand to {size:,} values, at most {MAX_VALUES:,} are allowed" if size > MAX_VALUES else ""


def _expanded_size(node: yaml.Node, sizes: dict[int, int | None]) -> int:
    """The number of values in `node` with all aliases expanded. Raises RecursionError if one contains itself."""
    size = sizes.setdefault(id(node), None)
    if size is not None:
        return size
    total = 1
    for child in node.value if isinstance(node, yaml.CollectionNode) else ():
        for one in child if isinstance(child, tuple) else (child,):
            if sizes.get(id(one), 0) is None:
                raise RecursionError
            total += _expanded_size(one, sizes)
    sizes[id(node)] = total
    return total


def _kind(node: yaml.ScalarNode) -> str:
    """The type that `node` is read as; empty for text."""
    if node.tag == _STRING:
        return "a number" if node.style is None and _EXPONENT.fullmatch(node.value) else ""
    return _KINDS.get(node.tag, "something else")


def _mappings(node: yaml.Node | None) -> Iterator[yaml.MappingNode]:
    """All mappings in a file, each once even if aliases refer to it."""
    waiting, seen = [node], set[int]()
    while waiting:
        node = waiting.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            yield node
            waiting += [value for _, value in reversed(node.value)]
        elif isinstance(node, yaml.SequenceNode):
            waiting += reversed(node.value)
