"""Choosing one of several outputs of a network, such as embeddings beside scores: a copy of its file has only that."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final

from tidzam.bundle import NetworkFormat
from tidzam.bundle.onnx_files import output_names, with_one_output
from tidzam.errors import BundleError
from tidzam.text import printable

_MOST_NAMED: Final = 8


def choose_output(path: Path, file_format: NetworkFormat, wanted: str | None, target: Path, *, shown: Path) -> Path:
    """The network at `path` with the output `wanted` alone: `path` itself if it has one, else `target`, a copy.

    `wanted` is a name, or an index from 0. `shown` is how messages call the network. Raises BundleError
    (`model_output`) if several outputs leave the choice open, or no output has that name. A damaged file is returned
    as it is: loading it says why it cannot be used. Of a Keras file nothing is read: it must have one output.
    """
    if file_format == "keras":
        if wanted is not None:
            raise BundleError(
                f"{shown} is a Keras file, of which no output can be chosen.",
                hint="Save keras.Model(model.inputs, model.outputs[INDEX]) instead.",
                code="model_output",
            )
        return path
    content = path.read_bytes()
    try:
        names = output_names(content) if file_format == "onnx" else LiteRtOutputs(content).names
        if not names or (len(names) == 1 and wanted is None):
            return path
        index = _index(names, wanted, shown)
        chosen = with_one_output(content, index) if file_format == "onnx" else LiteRtOutputs(content).only(index)
    except (ValueError, struct.error, IndexError):
        return path
    target.write_bytes(chosen)
    return target


def _index(names: tuple[str, ...], wanted: str | None, shown: Path) -> int:
    if wanted in names:
        return names.index(wanted)
    if wanted is not None and wanted.isdecimal() and int(wanted) < len(names):
        return int(wanted)
    listed = ", ".join(f"{number}: {printable(name)}" for number, name in enumerate(names[:_MOST_NAMED]))
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    what = f"has no output {wanted!r}" if wanted is not None else "has several outputs"
    raise BundleError(
        f"{shown} {what}. Its outputs are {listed}{more}.",
        hint="Choose the one with the classes: --network-output NAME or INDEX.",
        code="model_output",
    )


class LiteRtOutputs:
    """The outputs of a LiteRT file, which is a FlatBuffer (https://flatbuffers.dev/internals; the tables are those of
    TensorFlow's schema.fbs). Raises ValueError, struct.error or IndexError if it is not one."""

    _SUBGRAPHS: Final = 2
    _TENSORS, _OUTPUTS = 0, 2
    _NAME: Final = 3
    """Numbers of fields: of the model, of a subgraph, and of a tensor."""

    def __init__(self, content: bytes) -> None:
        if content[4:8] != b"TFL3":
            raise ValueError("it is not a LiteRT file")
        self._content = content
        graphs, count = self._vector(self._offset(0), self._SUBGRAPHS)
        if not count:
            raise ValueError("it has no graph")
        graph = self._offset(graphs)
        self._tensors, self._tensor_count = self._vector(graph, self._TENSORS)
        self._outputs, self._count = self._vector(graph, self._OUTPUTS)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the output tensors, in their order."""
        return tuple(self._name(self._tensor(number)) for number in range(self._count))

    def only(self, index: int) -> bytes:
        """The file with that output alone: its vector of outputs is cut to one element."""
        changed = bytearray(self._content)
        struct.pack_into("<Ii", changed, self._outputs - 4, 1, self._tensor(index))
        return bytes(changed)

    def _tensor(self, output: int) -> int:
        (tensor,) = struct.unpack_from("<i", self._content, self._outputs + 4 * output)
        if not 0 <= tensor < self._tensor_count:
            raise ValueError("an output is not one of its tensors")
        return int(tensor)

    def _name(self, tensor: int) -> str:
        start, length = self._vector(self._offset(self._tensors + 4 * tensor), self._NAME)
        return self._content[start : start + length].decode(errors="replace")

    def _offset(self, at: int) -> int:
        """The position that the offset at a position points to."""
        (offset,) = struct.unpack_from("<I", self._content, at)
        return at + int(offset)

    def _vector(self, table: int, field: int) -> tuple[int, int]:
        """The position of the first element of a vector, or string, in a field of a table, and their number."""
        (back,) = struct.unpack_from("<i", self._content, table)
        virtual = table - back
        (size,) = struct.unpack_from("<H", self._content, virtual)
        place = 4 + 2 * field
        (inside,) = struct.unpack_from("<H", self._content, virtual + place) if place < size else (0,)
        if not inside:
            return 0, 0
        start = self._offset(table + inside)
        (length,) = struct.unpack_from("<I", self._content, start)
        if length > len(self._content):
            raise ValueError("it is cut short")
        return start + 4, int(length)
