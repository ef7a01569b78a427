"""Asking a process of the cluster something that only its own Python can answer, through TensorFlow's own port.

An operation made by `tf.numpy_function` calls a Python function *of the process that it runs in*, found by a token that
counts the functions registered there. Each process of a cluster registers one function, before any other, so that the
token is the same everywhere: then the operation can be sent to any of them, and a batch is made on the machine that
trains on it, by that machine's processes. (`Dataset.from_generator` would call the coordinator's.) Functions and tokens
are public, their agreement is ours: `register` refuses to go on without it, and the end-to-end tests would fail.
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

Answer = Callable[[bytes, bytes, Any], Any]
"""Answers (verb, text, number) with a NumPy value or a list of them, in a thread of TensorFlow's."""

TOKEN = b"pyfunc_0"
_kept_alive: list[Any] = []


def load_without_proxies() -> None:
    """Load TensorFlow without the environment's proxies: its gRPC reaches the machines of a cluster directly.

    Raises SetupError if it is not installed.
    """
    forget_proxies(os.environ)
    load_tensorflow()


def register(answer: Answer) -> None:
    """Let the processes of the cluster call `answer`. Once a process, before anything else is done with TensorFlow.

    Raises SetupError if some other function was there before.
    """
    import tensorflow as tf

    @tf.function  # type: ignore[untyped-decorator]  # TensorFlow has no types
    def holder() -> Any:
        return tf.numpy_function(answer, _inputs("", "", 0), [tf.string])

    concrete = holder.get_concrete_function()
    tokens = [node.get_attr("token") for node in concrete.graph.get_operations() if node.type == "PyFunc"]
    if tokens != [TOKEN]:
        raise SetupError(
            f"TensorFlow registered the cluster's function as {tokens}, not {TOKEN!r}.",
            hint="Install the version of TensorFlow that constraints.txt names.",
        )
    _kept_alive.append(concrete)  # TensorFlow itself holds the function weakly


def remote_op(verb: str, text: str, number: Any, kinds: Sequence[Any]) -> list[tf.Tensor]:
    """The operation: what the process that runs it answers, as tensors of `kinds` (dtypes)."""
    import tensorflow as tf

    replies: list[tf.Tensor] = tf.raw_ops.PyFunc(input=_inputs(verb, text, number), token=TOKEN, Tout=list(kinds))
    return replies


def request(member: Member, verb: str, text: str = "", *, within_s: float = 10.0) -> str:
    """What `member` answers to `verb`, without joining its cluster or disturbing whoever coordinates it.

    Raises ClusterError (`cluster_unreachable`) if it is none of ours, or silent.
    """
    load_without_proxies()
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph, tf.device(member.device):
        replies = remote_op(verb, text, 0, [tf.string])
    config = v1.ConfigProto(device_filters=[member.device], operation_timeout_in_ms=int(within_s * 1000))
    try:
        with v1.Session(f"grpc://{member.address}", graph=graph, config=config) as session:
            said: bytes = session.run(replies)[0]
    except (tf.errors.OpError, RuntimeError) as error:
        raise ClusterError(
            f"{member} does not answer as a Tidzam {member.job} {member.index}: {_first_line(error)}",
            hint="Correct --ps and --workers.",
            code="cluster_unreachable",
        ) from None
    return said.decode()


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line and not line.startswith("Graph execution error")]
    return (lines or [type(error).__name__])[0]


def _inputs(verb: str, text: str, number: Any) -> list[tf.Tensor]:
    import tensorflow as tf

    return [tf.constant(verb), tf.constant(text), tf.cast(number, tf.int64)]
