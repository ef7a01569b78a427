"""The embedding network of a bundle, and recognizers on its embeddings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

from tidzam.audio.waveform import InputSpec
from tidzam.bundle import FILE_NAMES, Bundle
from tidzam.embeddings import litert_graph, onnx_graph
from tidzam.embeddings.recognizer_layer import RecognizerLayer
from tidzam.errors import BundleError
from tidzam.inference.batches import in_batches
from tidzam.inference.engine_records import EngineRecords
from tidzam.inference.engines import ALL_CORES, Network, find_engine
from tidzam.inference.trial import try_networks
from tidzam.types import Float32

EditableFormat = Literal["onnx", "litert"]
BATCH: Final = 64


@dataclass(frozen=True)
class _Editor:
    embedding_network: Callable[[bytes], bytes]
    with_recognizer: Callable[[bytes, RecognizerLayer], bytes]
    recognizer_of: Callable[[bytes], RecognizerLayer | None]


_EDITORS: Final[Mapping[EditableFormat, _Editor]] = {
    "onnx": _Editor(onnx_graph.embedding_network, onnx_graph.with_recognizer, onnx_graph.recognizer_of),
    "litert": _Editor(litert_graph.embedding_network, litert_graph.with_recognizer, litert_graph.recognizer_of),
}


class EmbeddingNetwork:
    """Computes the embeddings of windows: what the last layer of a bundle's network takes.

    That is a vector of 1024 values for BirdNET, of 512 for the demo's selector. Several threads may call it.
    """

    def __init__(self, base: Bundle, file_format: EditableFormat, content: bytes, network: Network) -> None:
        self.base, self.file_format = base, file_format
        self._content, self._network = content, network

    @property
    def spec(self) -> InputSpec:
        """What the network takes."""
        return self.base.manifest.input

    @property
    def version(self) -> str:
        """The version of the base."""
        return self.base.manifest.version

    def embed(self, inputs: Float32) -> Float32:
        """The embeddings, float32 (n, values), of inputs (n, *spec.shape) as `tidzam.audio.windows.network_inputs`
        makes them. Raises the engine's errors."""
        return in_batches(self._network.predict, inputs, batch=BATCH)

    def write(self, path: Path) -> None:
        """Write the network that returns embeddings: one file, in the format of the base."""
        path.write_bytes(self._content)

    def write_recognizer(self, path: Path, layer: RecognizerLayer) -> None:
        """Write a network that returns the probabilities of `layer` for windows: one file, in the format of the
        base."""
        path.write_bytes(_EDITORS[self.file_format].with_recognizer(self._content, layer))


def format_of(bundle: Bundle) -> EditableFormat:
    """The format of the file whose network gives the embeddings. Raises BundleError (`bundle_embedding`)."""
    found = next((one for one in _EDITORS if one in bundle.manifest.files), None)
    if found is None:
        raise BundleError(
            f"Bundle {bundle.name!r} has no ONNX or LiteRT file, which embeddings are computed with.",
            hint="Choose another bundle.",
            code="bundle_embedding",
        )
    return found


def read_recognizer_layer(bundle: Bundle) -> RecognizerLayer:
    """The last layer of a recognizer.

    Raises BundleError (`bundle_embedding`) for other bundles, SetupError if what reads the network is not installed.
    """
    file_format = format_of(bundle)
    found = _EDITORS[file_format].recognizer_of(bundle.file(file_format).read_bytes())
    if found is None:
        raise BundleError(
            f"Bundle {bundle.name!r} is no recognizer of annotated sounds.",
            hint="Choose one that was made by `python -m trainer openset` or the model builder.",
            code="bundle_embedding",
        )
    return found


@contextmanager
def open_embedding_network(
    bundle: Bundle, *, threads: int = ALL_CORES, records: EngineRecords | None = None
) -> Iterator[EmbeddingNetwork]:
    """The embedding network of a bundle, for as long as the context is open.

    The bundle's network is first tried in another process, unless `records` hold that it passed. Raises BundleError:
    `bundle_embedding` if it has no embedding, and those of `try_networks`; SetupError if what edits or runs the network
    is not installed.
    """
    file_format = format_of(bundle)
    try_networks([bundle], [file_format], records=records)
    content = _EDITORS[file_format].embedding_network(bundle.file(file_format).read_bytes())
    with TemporaryDirectory(prefix="tidzam-embedding-") as temporary:
        path = Path(temporary) / FILE_NAMES[file_format]
        path.write_bytes(content)
        network = find_engine(file_format).load(path, threads=threads)
        yield EmbeddingNetwork(bundle, file_format, content, network)
