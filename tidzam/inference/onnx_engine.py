"""ONNX Runtime on the CPU, the default engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

from tidzam.denormals import denormals_as_before
from tidzam.inference.engines import Network, first_line, not_usable, require_one_float
from tidzam.inference.one_by_one import OneByOne
from tidzam.types import Float32


class OnnxEngine:
    """Runs the `onnx` file of a bundle. A network's memory and time are bounded (`tidzam.inference.resource_limits`).

    See also `tidzam.inference.engines.Engine` for the contract.
    """

    file_format: Final[Literal["onnx"]] = "onnx"
    distributions: Final = ("onnxruntime", "onnxruntime-gpu")
    trial_memory_mb: Final = 512
    trial_cpu_s: Final = 10

    def import_library(self) -> None:
        import onnxruntime  # noqa: F401 - here, since it takes a tenth of a second

    def load(self, path: Path, *, threads: int) -> Network:
        network = OnnxNetwork(path, open_session(path, threads=threads))
        if network.input_shape[:1] == (1,):
            return OneByOne(network.predict, network.input_shape[1:], network.classes)
        return network


def open_session(path: Path, *, threads: int) -> Any:
    """The only place where ONNX Runtime sessions are made: on so many threads, or `ALL_CORES`, within bounded memory.

    Raises BundleError (`bundle_engine`) if the file cannot be loaded.
    """
    import onnxruntime

    from tidzam.inference.resource_limits import bound_memory

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # An idle pool must not spin: the cores are shared with capture and encoders.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.load_model_format", "ONNX")  # the one format that is checked
    bound_memory(options)
    if threads != 1:  # the threads of its own pool; a session of one thread runs in the thread that calls it
        options.add_session_config_entry("session.set_denormal_as_zero", "1")
    try:
        with denormals_as_before():
            return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors share no other base
        raise not_usable(f"The network {path}", f"cannot be loaded: {first_line(error)}") from None


class OnnxNetwork:
    def __init__(self, path: Path, session: Any) -> None:
        from tidzam.inference.resource_limits import TimeLimit

        inputs, outputs = session.get_inputs(), session.get_outputs()
        typed = [[(one.name, one.type) for one in side] for side in (inputs, outputs)]
        require_one_float(f"The network {path}", *typed)
        (self._input,) = inputs
        size = outputs[0].shape[-1] if outputs[0].shape else 0
        self.classes = size if isinstance(size, int) else 0
        self._session = session
        self._limit = TimeLimit()

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        return tuple(size if isinstance(size, int) else None for size in self._input.shape)

    def predict(self, features: Float32) -> Float32:
        """Raises ONNX Runtime's errors, and TimeoutError for a network that takes too long."""
        with self._limit.of(len(features)) as options:
            outputs: Float32 = self._session.run(None, {self._input.name: features}, options)[0]
        return outputs
