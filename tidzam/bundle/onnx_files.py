"""Which other files an ONNX graph reads, and which outputs it has, without loading it or the `onnx` package.

An ONNX file is a protobuf message (https://onnx.ai/onnx/repo-docs/IR.html#external-tensor-data). A tensor whose
data lie elsewhere names the file under the key `location`. Tensors are found in initializers and in
attributes of nodes, in the main graph, in graphs nested in attributes, and in functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

MAX_DEPTH: Final = 64
"""Levels of graphs within graphs; each takes three levels of messages."""

_CHILDREN: Final[Mapping[str, Mapping[int, str]]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse tensor", 23: "sparse tensor"},
    "sparse tensor": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
"""Field numbers of onnx.proto: for each message, those whose messages may lead to external data."""
_GRAPH: Final = 7
_OUTPUT: Final = 12
"""The fields of a model's graph, and of a graph's outputs."""
_DATA_LOCATION: Final = 14
_EXTERNAL: Final = 1
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def external_files(content: bytes) -> frozenset[str]:
    """The locations of external data that a serialized ModelProto names, as they are written there.

    Raises ValueError, with a readable clause, if `content` is not a protobuf message or is nested too deeply.
    """
    found: set[str] = set()
    todo = [("model", memoryview(content), 0)]
    while todo:
        kind, message, depth = todo.pop()
        if depth > 3 * MAX_DEPTH:
            raise ValueError(f"its graphs are nested deeper than {MAX_DEPTH} levels")
        if kind == "entry":
            found |= _location(message)
            continue
        for number, value in _fields(message):
            child = _CHILDREN[kind].get(number)
            if child is not None and isinstance(value, memoryview):
                todo.append((child, value, depth + 1))
            elif kind == "tensor" and number == _DATA_LOCATION and value == _EXTERNAL and not _has_entries(message):
                raise ValueError("a tensor's data are external, but no location is given")
    return frozenset(found)


def _has_entries(tensor: memoryview) -> bool:
    return any(number == 13 for number, _ in _fields(tensor))


def _location(entry: memoryview) -> set[str]:
    """The location in a StringStringEntryProto (key 1, value 2). Only the last value counts; all are returned."""
    fields = list(_fields(entry))
    keys = {bytes(value) for number, value in fields if number == 1 and isinstance(value, memoryview)}
    if b"location" not in keys:
        return set()
    values = [bytes(value) for number, value in fields if number == 2 and isinstance(value, memoryview)]
    return {value.decode(errors="replace") for value in values or [b""]}


def output_names(content: bytes) -> tuple[str, ...]:
    """The names of the outputs of a serialized ModelProto. Raises ValueError as `external_files` does."""
    names = []
    for number, value in _fields(memoryview(content)):
        if number == _GRAPH and isinstance(value, memoryview):
            names += [_name(one) for field, one in _fields(value) if field == _OUTPUT and isinstance(one, memoryview)]
    return tuple(names)


def with_one_output(content: bytes, index: int) -> bytes:
    """A serialized ModelProto whose graph has the output `index`, from 0, alone. Raises ValueError."""
    parts = []
    for number, value, raw in _parts(memoryview(content)):
        if number == _GRAPH and isinstance(value, memoryview):
            outputs, kept = -1, []
            for field, _, bytes_of_field in _parts(value):
                outputs += field == _OUTPUT
                if field != _OUTPUT or outputs == index:
                    kept.append(bytes(bytes_of_field))
            graph = b"".join(kept)
            parts.append(_encoded(_GRAPH << 3 | _BYTES) + _encoded(len(graph)) + graph)
        else:
            parts.append(bytes(raw))
    return b"".join(parts)


def _name(value_info: memoryview) -> str:
    names = [value for number, value in _fields(value_info) if number == 1 and isinstance(value, memoryview)]
    return bytes(names[-1]).decode(errors="replace") if names else ""


def _encoded(value: int) -> bytes:
    """A variable-length integer."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Numbers and values of a message's fields; fixed-size values are given as 0. Raises ValueError."""
    return ((number, value) for number, value, _ in _parts(message))


def _parts(message: memoryview) -> Iterator[tuple[int, int | memoryview, memoryview]]:
    """Numbers, values and encodings of a message's fields; fixed-size values are given as 0. Raises ValueError."""
    at = 0
    while at < len(message):
        begin = at
        tag, at = _varint(message, at)
        wire_type = tag & 7
        if wire_type == _VARINT:
            value, at = _varint(message, at)
            yield tag >> 3, value, message[begin:at]
            continue
        if wire_type == _BYTES:
            length, at = _varint(message, at)
        elif wire_type in (_FIXED64, _FIXED32):
            length = 8 if wire_type == _FIXED64 else 4
        else:
            raise ValueError("it is not a protobuf message")
        if at + length > len(message):
            raise ValueError("it is cut short, or is not a protobuf message")
        end = at + length
        yield tag >> 3, message[at:end] if wire_type == _BYTES else 0, message[begin:end]
        at = end


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A variable-length integer at a position, and the position after it."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise ValueError("it is cut short, or is not a protobuf message")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("it is not a protobuf message")
