"""Which tensors of a network are its embedding: what its last layer with weights takes. Pure functions of a graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Operation:
    """One operation of a network.

    `reads` names all tensors that it takes. `inputs` are those of them that depend on the values of the network's
    input: constants and sizes are left out. A `dense` operation is a layer with weights; a `linear` one has none, and
    keeps or adds up what such a layer returns.
    """

    reads: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    dense: bool = False
    linear: bool = False


def embedding_tensors(operations: Sequence[Operation], output: str) -> tuple[str, ...]:
    """The inputs of the last layers with weights before `output`, in a fixed order; none if there is no such layer.

    A layer that follows another one with only linear operations between them is a part of the same linear map, as
    the layer that averages the members of an ensemble: the inputs of the first of them count.
    """
    makers = {name: operation for operation in operations for name in operation.outputs}
    found = _last_dense([output], makers, linear_only=False)
    deeper: tuple[str, ...] | None = found
    while deeper:
        found = deeper
        deeper = _last_dense(found, makers, linear_only=True)
    return found or ()


def _last_dense(
    tensors: Sequence[str], makers: Mapping[str, Operation], *, linear_only: bool
) -> tuple[str, ...] | None:
    """The inputs of the nearest layers with weights on every way back from `tensors`.

    None if there is no such layer, or, with `linear_only`, if one way meets another operation first.
    """
    found: dict[str, None] = {}
    todo, seen = list(tensors), set(tensors)
    while todo:
        maker = makers.get(todo.pop(0))
        if maker is not None and maker.dense:
            found[maker.inputs[0]] = None
        elif linear_only and (maker is None or not maker.linear):
            return None
        elif maker is not None:
            fresh = [name for name in maker.inputs if name not in seen]
            seen.update(fresh)
            todo += fresh
    return tuple(found) or None


def needed(operations: Sequence[Operation], tensors: Sequence[str]) -> list[int]:
    """The numbers, ascending, of the operations that the values of `tensors` depend on."""
    makers = {name: number for number, operation in enumerate(operations) for name in operation.outputs}
    todo, found = list(tensors), set[int]()
    while todo:
        number = makers.get(todo.pop())
        if number is not None and number not in found:
            found.add(number)
            todo += operations[number].reads
    return sorted(found)
