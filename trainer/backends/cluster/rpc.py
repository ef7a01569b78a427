"""Requests between the processes of a cluster, through TensorFlow's own port.

An operation made by `tf.numpy_function` calls a Python function of the process that runs it, found by a token that
counts the functions registered in that process. Each process of a cluster registers one function, before any other, so
that the token is the same everywhere. The operation can then be sent to any of them, so that a batch is made on the
machine that trains on it, by that machine's processes. (`Dataset.from_generator` would call the coordinator.) Functions
and tokens are public; that the tokens agree is our convention, which `register` checks.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tidzam.errors import ClusterError, SetupError
from tidzam.proxy import forget_proxies
from tidzam.tensorflow_loader import load_tensorflow
from trainer.topology import Member

if TYPE_CHECKING:
    import tensorflow as tf

Handler = Callable[[bytes, bytes, Any], Any]
"""Handles (verb, text, number), and returns a NumPy value or a list of them. Called in threads of TensorFlow."""

TOKEN = b"pyfunc_0"
_kept_alive: list[Any] = []


def load_without_proxies() -> None:
    """Load TensorFlow without the proxies of the environment: gRPC then connects to the machines directly.

    Raises SetupError if it is not installed.
    """
    forget_proxies(os.environ)
    load_tensorflow()


def register(handler: Handler) -> None:
    """Let the processes of the cluster call `handler`. Call it once per process, before any other use of TensorFlow.

    Raises SetupError if another function was registered before.
    """
    import tensorflow as tf

    @tf.function  # type: ignore[untyped-decorator]  # TensorFlow has no types
    def holder() -> Any:
        return tf.numpy_function(handler, _inputs("", "", 0), [tf.string])

    concrete = holder.get_concrete_function()
    tokens = [node.get_attr("token") for node in concrete.graph.get_operations() if node.type == "PyFunc"]
    if tokens != [TOKEN]:
        raise SetupError(
            f"TensorFlow registered the cluster's function as {tokens}, expected {TOKEN!r}.",
            hint="Install the version of TensorFlow in constraints.txt.",
        )
    _kept_alive.append(concrete)  # TensorFlow itself holds only a weak reference to the function


def remote_op(verb: str, text: str, number: Any, dtypes: Sequence[Any]) -> list[tf.Tensor]:
    """An operation with the reply of the process that runs it, as tensors of `dtypes`."""
    import tensorflow as tf

    replies: list[tf.Tensor] = tf.raw_ops.PyFunc(input=_inputs(verb, text, number), token=TOKEN, Tout=list(dtypes))
    return replies


def request(member: Member, verb: str, text: str = "", *, within_s: float = 10.0) -> str:
    """Send a request to `member` and return its reply, without joining its cluster or disturbing its coordinator.

    Raises ClusterError (`cluster_unreachable`) if it is not a process of Tidzam, or does not reply.
    """
    load_without_proxies()
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph, tf.device(member.device):
        replies = remote_op(verb, text, 0, [tf.string])
    config = v1.ConfigProto(device_filters=[member.device], operation_timeout_in_ms=int(within_s * 1000))
    try:
        with v1.Session(f"grpc://{member.address}", graph=graph, config=config) as session:
            reply: bytes = session.run(replies)[0]
    except (tf.errors.OpError, RuntimeError) as error:
        raise ClusterError(
            f"{member} does not answer as a Tidzam {member.job} {member.index}: {_first_line(error)}",
            hint="Correct --ps and --workers.",
            code="cluster_unreachable",
        ) from None
    return reply.decode()


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line and not line.startswith("Graph execution error")]
    return (lines or [type(error).__name__])[0]


def _inputs(verb: str, text: str, number: Any) -> list[tf.Tensor]:
    import tensorflow as tf

    return [tf.constant(verb), tf.constant(text), tf.cast(number, tf.int64)]
