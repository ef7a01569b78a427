"""Loading TensorFlow without the messages that its native libraries print."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from tidzam.errors import SetupError

QUIET: Mapping[str, str] = {
    "TF_CPP_MIN_LOG_LEVEL": "3",  # only fatal errors of the native log: Python raises the others
    "GRPC_VERBOSITY": "NONE",  # connections of a cluster, which the trainer reports itself
    "KERAS_BACKEND": "tensorflow",
}
"""Environment variables that these libraries read when they are loaded. Those that are set already are kept."""

START_UP_LINES = r"^(WARNING: All log messages before absl::InitializeLog|[IWE][0-9]{4,8} |[0-9-]{10} [0-9:.]+: [IWE] )"
"""Lines that absl logs before its level is set: oneDNN, CPU instructions, CUDA libraries that are not installed."""

FILTER_TIMEOUT_S = 2.0


def load_tensorflow() -> None:
    """Import TensorFlow and Keras. Raises SetupError if that fails."""
    if sys.modules.get("tensorflow") is not None:
        return
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        with without_lines(START_UP_LINES), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about versions of other libraries
            import keras  # noqa: F401
            import tensorflow  # noqa: F401
    except ImportError as error:
        raise SetupError(
            f"TensorFlow cannot be loaded: {error}.",
            hint="Install it with `tidzam install train` or pip install 'tidzam[train]'.",
        ) from None
    for library in ("tensorflow", "absl"):
        logging.getLogger(library).setLevel(logging.ERROR)  # suppresses advice to programmers


@contextmanager
def without_lines(pattern: str) -> Iterator[None]:
    """Remove lines that match `pattern`, an extended regular expression, from stderr while the context is open.

    A separate process filters them, so that all other lines appear even if this process aborts.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    argv = ["grep", "--text", "--line-buffered", "-vE", pattern]
    filtering = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=kept)
    assert filtering.stdin is not None
    os.dup2(filtering.stdin.fileno(), 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        filtering.stdin.close()
        with suppress(subprocess.TimeoutExpired):  # a process that was started meanwhile may still write to it
            filtering.wait(FILTER_TIMEOUT_S)
