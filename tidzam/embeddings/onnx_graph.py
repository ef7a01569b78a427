"""The embedding network of an ONNX file, and a recognizer on it. Takes the package `onnx` (extra `train`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tidzam.embeddings.layers import Operation, embedding_tensors, needed
from tidzam.embeddings.recognizer_layer import RecognizerLayer
from tidzam.errors import BundleError, SetupError

if TYPE_CHECKING:
    import onnx

EMBEDDING: Final = "tidzam_embedding"
PROBABILITIES: Final = "tidzam_probabilities"
WEIGHTS: Final = "tidzam_weights"
BIASES: Final = "tidzam_biases"
AXES: Final = "tidzam_axes"
CURVATURES: Final = "tidzam_curvatures"
_DENSE: Final = frozenset({"MatMul", "Gemm", "Conv", "FusedMatMul"})
_LINEAR: Final = frozenset(
    {"Add", "Sub", "Sum", "Concat", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Identity", "Cast"}
)
_LINEAR_IF_CONSTANT: Final = frozenset({"Mul", "Div"})
"""Operations that are linear if all but one of their inputs are constants."""
_NO_DATA: Final = frozenset({"Shape", "Size", "Constant", "ConstantOfShape"})
"""Operations whose results are sizes or constants."""
_MOST_AXES: Final = 8


def embedding_network(content: bytes) -> bytes:
    """A network that returns the embeddings, shape (n, values), of the network in `content`.

    Values over several positions, as a convolution takes, are averaged. Raises BundleError (`bundle_embedding`) if it
    has no layer before its last one, SetupError if the package `onnx` is missing.
    """
    onnx = _onnx()
    model = onnx.load_from_string(content)
    operations = _operations(model)
    tensors = embedding_tensors(operations, model.graph.output[0].name)
    inputs = {one.name for one in model.graph.input}
    if not tensors or inputs & set(tensors):
        raise BundleError(
            "The network has no layer before its last one, so that it has no embedding.",
            hint="Choose another bundle.",
            code="bundle_embedding",
        )
    ranks = _ranks(model)
    kept = [model.graph.node[number] for number in needed(operations, tensors)]
    del model.graph.node[:]
    model.graph.node.extend(kept)
    flat = [_add_pooled(model, name, number, ranks.get(name, 2)) for number, name in enumerate(tensors)]
    model.graph.node.append(onnx.helper.make_node("Concat", flat, [EMBEDDING], axis=1))
    _set_output(model, EMBEDDING)
    _remove_unused(model)
    return bytes(model.SerializeToString())


def with_recognizer(network: bytes, layer: RecognizerLayer) -> bytes:
    """A network that returns the probabilities of `layer`, shape (n, tags). `network` is one of `embedding_network`."""
    onnx = _onnx()
    model = onnx.load_from_string(network)
    constants = {WEIGHTS: layer.weights, BIASES: layer.biases, AXES: layer.axes, CURVATURES: layer.curvatures}
    for name, values in constants.items():
        if values is not None:
            model.graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(values, np.float32), name))
    steps: list[tuple[str, list[str], str, dict[str, int]]] = [
        ("Gemm", [EMBEDDING, WEIGHTS, BIASES], "tidzam_logits", {})
    ]
    if layer.axes is not None:
        steps = [
            ("LpNormalization", [EMBEDDING], "tidzam_unit", {"axis": 1, "p": 2}),
            ("Gemm", ["tidzam_unit", WEIGHTS, BIASES], "tidzam_linear", {}),
            ("MatMul", ["tidzam_unit", AXES], "tidzam_projected", {}),
            ("Mul", ["tidzam_projected", "tidzam_projected"], "tidzam_squares", {}),
            ("Gemm", ["tidzam_squares", CURVATURES, "tidzam_linear"], "tidzam_logits", {}),
        ]
    for name, inputs, output, attributes in (*steps, ("Sigmoid", ["tidzam_logits"], PROBABILITIES, {})):
        model.graph.node.append(onnx.helper.make_node(name, inputs, [output], **attributes))
    _set_output(model, PROBABILITIES, len(layer.biases))
    return bytes(model.SerializeToString())


def recognizer_of(network: bytes) -> RecognizerLayer | None:
    """The layer that `with_recognizer` has written into a network; None if it has not."""
    onnx = _onnx()
    constants = {one.name: one for one in onnx.load_from_string(network).graph.initializer}
    if not {WEIGHTS, BIASES} <= constants.keys():
        return None
    found = {
        name: np.array(onnx.numpy_helper.to_array(constants[name]), np.float32)
        for name in (WEIGHTS, BIASES, AXES, CURVATURES)
        if name in constants
    }
    return RecognizerLayer(found[WEIGHTS], found[BIASES], found.get(AXES), found.get(CURVATURES))


def _onnx() -> Any:
    try:
        import onnx
        import onnx.shape_inference
    except ImportError as error:
        raise SetupError(
            f"ONNX files cannot be edited: {error}.",
            hint="Install the package with `tidzam install train` or pip install 'tidzam[train]'.",
        ) from None
    return onnx


def _operations(model: onnx.ModelProto) -> list[Operation]:
    constants = {one.name for one in model.graph.initializer}
    constants |= {name for node in model.graph.node if node.op_type in _NO_DATA for name in node.output}
    found = []
    for node in model.graph.node:
        inputs = tuple(name for name in node.input if name and name not in constants)
        is_dense = node.op_type in _DENSE and len(inputs) == 1
        is_linear = node.op_type in _LINEAR or (node.op_type in _LINEAR_IF_CONSTANT and len(inputs) == 1)
        found.append(Operation(tuple(node.input), inputs, tuple(node.output), dense=is_dense, linear=is_linear))
    return found


def _ranks(model: onnx.ModelProto) -> dict[str, int]:
    inferred = _onnx().shape_inference.infer_shapes(model).graph
    typed = [*inferred.value_info, *inferred.input, *inferred.output]
    return {one.name: len(one.type.tensor_type.shape.dim) for one in typed if one.type.tensor_type.HasField("shape")}


def _add_pooled(model: onnx.ModelProto, tensor: str, number: int, rank: int) -> str:
    """Add what makes a tensor (n, channels, …) or (n, …, values) flat: (n, values). Returns the name of the result."""
    helper, name = _onnx().helper, f"{EMBEDDING}_{number}"
    if rank <= 2:
        return tensor
    is_convolved = rank > 3  # channels come first
    if is_convolved:
        model.graph.node.append(helper.make_node("GlobalAveragePool", [tensor], [f"{name}_mean"]))
    else:
        model.graph.node.append(helper.make_node("Identity", [tensor], [f"{name}_mean"]))
    model.graph.node.append(helper.make_node("Flatten", [f"{name}_mean"], [name], axis=1))
    return name


def _set_output(model: onnx.ModelProto, name: str, size: int | None = None) -> None:
    onnx = _onnx()
    del model.graph.output[:]
    model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None, size]))


def _remove_unused(model: onnx.ModelProto) -> None:
    """Remove the weights that no operation reads, and what is known about tensors that are gone."""
    used = {name for node in model.graph.node for name in node.input}
    kept = [one for one in model.graph.initializer if one.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    del model.graph.value_info[:]
