"""Converting a SavedModel of TensorFlow to LiteRT, in a process of its own with bounded memory and time.

A SavedModel is a program for TensorFlow: its graph may read and write files. A LiteRT network of built-in operations
cannot. `python -m tidzam.models.saved_model` is the process.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tidzam.errors import BundleError, SetupError, TidzamError
from tidzam.tensorflow_loader import load_tensorflow

MARKER: Final = "saved_model.pb"
WALL_S: Final = 600.0
CPU_S: Final = 600
MEMORY_BYTES: Final = 16 * 2**30
"""Address space: TensorFlow reserves much more than it uses."""
SIGNATURE: Final = "serving_default"
UNSAFE: Final = frozenset(
    {
        *("PyFunc", "PyFuncStateless", "EagerPyFunc", "ReadFile", "WriteFile", "MatchingFiles", "Save", "SaveSlices"),
        *("PrintV2", "Print", "WholeFileReader", "WholeFileReaderV2", "TextLineReader", "FixedLengthRecordReader"),
        *("InitializeTableFromTextFile", "InitializeTableFromTextFileV2", "ImmutableConst", "TFRecordReader"),
        *("TFRecordReaderV2", "TextLineReaderV2", "FixedLengthRecordReaderV2", "TextLineDataset", "TFRecordDataset"),
        *("FixedLengthRecordDataset", "FixedLengthRecordDatasetV2", "RecordInput", "LoadAndRemapMatrix"),
        *("WriteSummary", "CreateSummaryFileWriter", "CreateSummaryDbWriter", "RemoteCall", "DebugIdentity"),
    }
)
"""Operations of TensorFlow that run code, or read and write files, beside those that restore the weights."""


def convert_saved_model(folder: Path, target: Path) -> None:
    """Convert the SavedModel in `folder` to the LiteRT file `target`.

    Raises BundleError: `model_code` if it may run code or touch files, `bundle_engine` if it cannot be converted;
    SetupError if TensorFlow is not installed.
    """
    argv = [sys.executable, *(["-P"] if sys.flags.safe_path else []), "-m", "tidzam.models.saved_model"]
    try:
        done = subprocess.run(
            [*argv, str(folder), str(target)], capture_output=True, text=True, timeout=WALL_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise _not_convertible(folder, f"it took longer than {WALL_S / 60:.0f} min") from None
    if done.returncode:
        try:
            answer = json.loads(done.stdout.splitlines()[-1])
        except (IndexError, ValueError):
            raise _not_convertible(folder, f"the converter ended with exit code {done.returncode}") from None
        kind = SetupError if answer["code"] == SetupError.code else BundleError
        raise kind(answer["message"], hint=answer["hint"], code=answer["code"])


def main(folder: Path, target: Path) -> None:
    """The process: it writes `target`, or prints the error as one line of JSON and exits with 1."""
    try:
        load_tensorflow()
        _limit()
        convert_here(folder, target)
    except TidzamError as error:
        print(json.dumps({"message": error.message, "hint": error.hint, "code": error.code}), flush=True)
        sys.exit(1)


def _limit() -> None:
    """Limit this process's memory and computing time."""
    for what, limit in ((resource.RLIMIT_AS, MEMORY_BYTES), (resource.RLIMIT_CPU, CPU_S)):
        _, hard = resource.getrlimit(what)
        resource.setrlimit(what, (limit if hard == resource.RLIM_INFINITY else min(hard, limit), hard))


def convert_here(folder: Path, target: Path) -> None:
    """`convert_saved_model` in this process, without limits."""
    load_tensorflow()
    import tensorflow as tf

    _require_no_code(folder)
    try:
        converter = tf.lite.TFLiteConverter.from_saved_model(str(folder), signature_keys=[SIGNATURE])
        content = converter.convert()
    except Exception as error:  # noqa: BLE001 - the converter's errors share no base
        line = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise _not_convertible(folder, line[:300]) from None
    target.write_bytes(content)


def _require_no_code(folder: Path) -> None:
    """Raises BundleError (`model_code`) if the graph contains an operation that it must not."""
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    saved = SavedModel()
    try:
        saved.ParseFromString((folder / MARKER).read_bytes())
    except Exception as error:  # noqa: BLE001 - of a damaged file, the parser's own
        raise _not_convertible(folder, f"{MARKER} is damaged ({type(error).__name__})") from None
    for operation in _operations(saved):
        if operation in UNSAFE:
            raise BundleError(
                f"{folder} is refused, because a model must not run code or touch files: it contains the operation "
                f"{operation}.",
                hint="Export the model without it.",
                code="model_code",
            )


def _operations(saved: Any) -> Iterator[str]:
    """The operations of all graphs and functions."""
    for graph in (meta.graph_def for meta in saved.meta_graphs):
        yield from (node.op for node in graph.node)
        for function in graph.library.function:
            yield from (node.op for node in function.node_def)


def _not_convertible(folder: Path, reason: str) -> BundleError:
    return BundleError(
        f"{folder} cannot be converted to LiteRT: {reason.rstrip('.')}.",
        hint=f"Export the model with a signature {SIGNATURE} of one float32 input and one output, or as ONNX.",
        code="bundle_engine",
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
