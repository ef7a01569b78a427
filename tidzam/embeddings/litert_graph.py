"""The embedding network of a LiteRT file, and a recognizer on it, by the schema that the LiteRT package has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from tidzam.embeddings.layers import Operation, embedding_tensors, needed
from tidzam.embeddings.recognizer_layer import RecognizerLayer
from tidzam.errors import BundleError, SetupError
from tidzam.types import Float32

_DENSE: Final = ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D")
_LINEAR: Final = ("ADD", "SUB", "RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "CONCATENATION")
_IDENTIFIER: Final = b"TFL3"
WEIGHTS: Final = "tidzam_weights"
BIASES: Final = "tidzam_biases"
AXES: Final = "tidzam_axes"
CURVATURES: Final = "tidzam_curvatures"


def embedding_network(content: bytes) -> bytes:
    """A network that returns the embeddings, shape (n, values), of the network in `content`.

    Raises BundleError (`bundle_embedding`) unless the input of its last layer is a vector, SetupError if LiteRT is
    missing.
    """
    schema = _schema()
    model = _read(schema, content)
    graph = model.subgraphs[0]
    operations = _operations(schema, model)
    tensors = embedding_tensors(operations, str(graph.outputs[0]))
    if len(tensors) != 1 or len(graph.tensors[int(tensors[0])].shape) != 2 or int(tensors[0]) in graph.inputs:
        raise BundleError(
            "The last layer of the network does not take one vector, so that it has no embedding.",
            hint="Choose another bundle.",
            code="bundle_embedding",
        )
    before = _used_tensors(graph)
    graph.operators = [graph.operators[number] for number in needed(operations, tensors)]
    _remove_unused_weights(model, before)
    _set_output(model, int(tensors[0]))
    return _written(model)


def with_recognizer(network: bytes, layer: RecognizerLayer) -> bytes:
    """A network that returns the probabilities of `layer`, shape (n, tags). `network` is one of `embedding_network`."""
    schema = _schema()
    model = _read(schema, network)
    embedding, tags = int(model.subgraphs[0].outputs[0]), len(layer.biases)

    def dense(inputs: int, matrix: tuple[str, Float32], offsets: int, output: str) -> int:
        """The operation with the transposed weights that the format has; no `offsets` are -1."""
        name, values = matrix
        weights = _add_tensor(schema, model, name, values.T.shape, values.T)
        result = _add_tensor(schema, model, output, (1, values.shape[1]))
        options = ("FullyConnectedOptions", schema.FullyConnectedOptionsT())
        _add_operation(schema, model, "FULLY_CONNECTED", [inputs, weights, offsets], result, options)
        return result

    def step(name: str, inputs: list[int], output: str, width: int, options: str = "") -> int:
        result = _add_tensor(schema, model, output, (1, width))
        made = (options, getattr(schema, f"{options}T")()) if options else None
        _add_operation(schema, model, name, inputs, result, made)
        return result

    biases = _add_tensor(schema, model, BIASES, layer.biases.shape, layer.biases)
    if layer.axes is None or layer.curvatures is None:
        logits = dense(embedding, (WEIGHTS, layer.weights), biases, "tidzam_logits")
    else:
        unit = step("L2_NORMALIZATION", [embedding], "tidzam_unit", len(layer.weights), "L2NormOptions")
        linear = dense(unit, (WEIGHTS, layer.weights), biases, "tidzam_linear")
        projected = dense(unit, (AXES, layer.axes), -1, "tidzam_projected")
        squares = step("MUL", [projected, projected], "tidzam_squares", layer.axes.shape[1], "MulOptions")
        quadratic = dense(squares, (CURVATURES, layer.curvatures), -1, "tidzam_quadratic")
        logits = step("ADD", [linear, quadratic], "tidzam_logits", tags, "AddOptions")
    _set_output(model, step("LOGISTIC", [logits], "tidzam_probabilities", tags))
    return _written(model)


def recognizer_of(network: bytes) -> RecognizerLayer | None:
    """The layer that `with_recognizer` has written into a network; None if it has not."""
    model = _read(_schema(), network)
    named = {_text(one.name): one for one in model.subgraphs[0].tensors}
    if not {WEIGHTS, BIASES} <= named.keys():
        return None
    found = {
        name: np.array(np.asarray(model.buffers[one.buffer].data, np.uint8).view(np.float32).reshape(one.shape).T)
        for name, one in named.items()
        if name in (WEIGHTS, BIASES, AXES, CURVATURES)
    }
    return RecognizerLayer(found[WEIGHTS], found[BIASES], found.get(AXES), found.get(CURVATURES))


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name


def _schema() -> Any:
    try:
        from ai_edge_litert import schema_py_generated
    except ImportError as error:
        raise SetupError(
            f"LiteRT cannot be loaded: {error}.",
            hint="Install it with `tidzam install litert` or pip install 'tidzam[litert]'.",
        ) from None
    return schema_py_generated


def _read(schema: Any, content: bytes) -> Any:
    model = schema.ModelT.InitFromPackedBuf(bytearray(content), 0)
    if any(buffer.offset for buffer in model.buffers):
        raise BundleError(
            "The weights of the LiteRT network lie after its graph, which is not supported for embeddings.",
            hint="Choose another bundle.",
            code="bundle_embedding",
        )
    return model


def _written(model: Any) -> bytes:
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=_IDENTIFIER)
    return bytes(builder.Output())


def _code_of(code: Any) -> int:
    """The number of an operation: files of earlier versions of the schema have it in another field."""
    return max(int(code.builtinCode), int(code.deprecatedBuiltinCode))


def _operations(schema: Any, model: Any) -> list[Operation]:
    graph = model.subgraphs[0]
    numbers = {name: getattr(schema.BuiltinOperator, name) for name in (*_DENSE, *_LINEAR, "SHAPE")}
    constants = {number for number, one in enumerate(graph.tensors) if _has_data(model, one)}
    codes = [_code_of(model.operatorCodes[one.opcodeIndex]) for one in graph.operators]
    for operator, code in zip(graph.operators, codes, strict=True):
        if code == numbers["SHAPE"]:
            constants.update(map(int, operator.outputs))
    found = []
    for operator, code in zip(graph.operators, codes, strict=True):
        inputs = tuple(str(one) for one in operator.inputs if one >= 0 and one not in constants)
        is_dense = code in {numbers[name] for name in _DENSE} and len(inputs) == 1
        is_linear = code in {numbers[name] for name in _LINEAR} and not _has_activation(operator)
        reads, outputs = tuple(map(str, operator.inputs)), tuple(map(str, operator.outputs))
        found.append(Operation(reads, inputs, outputs, dense=is_dense, linear=is_linear))
    return found


def _has_activation(operator: Any) -> bool:
    return bool(getattr(operator.builtinOptions, "fusedActivationFunction", 0))


def _has_data(model: Any, tensor: Any) -> bool:
    data = model.buffers[tensor.buffer].data
    return data is not None and len(data) > 0


def _used_tensors(graph: Any) -> set[int]:
    return {int(one) for operator in graph.operators for one in operator.inputs if one >= 0}


def _remove_unused_weights(model: Any, before: set[int]) -> None:
    """Empty the buffers of the tensors that were read `before`, and are not any more."""
    graph = model.subgraphs[0]
    now = _used_tensors(graph)
    kept = {graph.tensors[number].buffer for number in now}
    for number in before - now:
        if graph.tensors[number].buffer not in kept:
            model.buffers[graph.tensors[number].buffer].data = None


def _set_output(model: Any, tensor: int) -> None:
    model.subgraphs[0].outputs = [tensor]
    model.signatureDefs = []  # they name the output that is gone


def _add_tensor(schema: Any, model: Any, name: str, shape: Sequence[int], values: Float32 | None = None) -> int:
    buffer = schema.BufferT()
    if values is not None:
        buffer.data = np.frombuffer(np.ascontiguousarray(values, np.float32).tobytes(), np.uint8)
    model.buffers.append(buffer)
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type = name, list(map(int, shape)), schema.TensorType.FLOAT32
    tensor.shapeSignature = None if values is not None else [-1, *list(map(int, shape))[1:]]
    tensor.buffer = len(model.buffers) - 1
    graph = model.subgraphs[0]
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def _add_operation(
    schema: Any, model: Any, name: str, inputs: Sequence[int], output: int, options: tuple[str, Any] | None = None
) -> None:
    code = getattr(schema.BuiltinOperator, name)
    known = [_code_of(one) for one in model.operatorCodes]
    if code not in known:
        entry = schema.OperatorCodeT()
        entry.builtinCode, entry.deprecatedBuiltinCode, entry.version = code, min(code, 127), 1
        model.operatorCodes.append(entry)
        known.append(code)
    operator = schema.OperatorT()
    operator.opcodeIndex = known.index(code)
    operator.inputs, operator.outputs = list(inputs), [output]
    if options is not None:
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, options[0])
        operator.builtinOptions = options[1]
    model.subgraphs[0].operators.append(operator)
