"""The linear layer of a recognizer, a network that `EmbeddingNetwork.write_classifier` has written."""

from __future__ import annotations

from typing import Final

import numpy as np

from tidzam.bundle import Bundle
from tidzam.embeddings import litert_graph, onnx_graph
from tidzam.embeddings.network import format_of
from tidzam.errors import BundleError
from tidzam.types import Float32

_READERS: Final = {"onnx": onnx_graph.classifier_of, "litert": litert_graph.classifier_of}


def classifier_weights(bundle: Bundle) -> tuple[Float32, Float32]:
    """The weights (values, classes) and biases (classes,) of a recognizer: its probabilities are
    sigmoid(embedding · weights + biases).

    Raises BundleError (`bundle_embedding`) for other bundles, SetupError if what reads the network is not installed.
    """
    file_format = format_of(bundle)
    found = _READERS[file_format](bundle.file(file_format).read_bytes())
    if found is None:
        raise BundleError(
            f"Bundle {bundle.name!r} is no recognizer of annotated sounds.",
            hint="Choose one that was made by `python -m trainer openset` or the model builder.",
            code="bundle_embedding",
        )
    weights, biases = found
    return np.array(weights, np.float32), np.array(biases, np.float32)
