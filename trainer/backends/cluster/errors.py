"""Errors of a cluster, and TensorFlow's errors from other machines in the terms of Tidzam."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from tidzam.errors import ClusterError, TidzamError
from trainer.topology import Member

_OUR_ERRORS = {error.__name__: error for error in TidzamError.__subclasses__()}
"""Tidzam's errors by the names that TensorFlow quotes."""


@contextmanager
def translate_errors() -> Iterator[None]:
    """Turn TensorFlow's errors from other machines into ours.

    Raises ClusterError (`cluster_lost`) if a parameter server is lost, DatasetError for the data of a worker. A lost
    worker is not an error: another worker repeats its steps.
    """
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        text = str(error)
        server = re.search(r"/job:ps/replica:0/task:(\d+)", text)
        if isinstance(error, (tf.errors.UnavailableError, tf.errors.AbortedError)) or server:
            which = f"Parameter server {server[1]}" if server else "A parameter server"
            raise ClusterError(
                f"{which} was lost, and with it all updates since the last checkpoint.",
                hint="Start it again, and train with --resume.",
                code="cluster_lost",
            ) from None
        if found := re.search(rf"\b({'|'.join(_OUR_ERRORS)}): (.+)", text):
            raise _OUR_ERRORS[found[1]](found[2]) from None
        raise


def other_data(member: Member, mine: str, theirs: str) -> ClusterError:
    """`member` cannot take part, because its data differ."""
    return ClusterError(
        f"{member} has {mine}, but the training uses {theirs}.",
        hint="Give every worker the same data and options.",
        code="cluster_data",
    )


def member_ended(member: Member, reason: str) -> ClusterError:
    """`member` ended before the training began; `reason` is its own message, including the remedy."""
    return ClusterError(f"{member} ended: {reason}", code="cluster_member")


def already_coordinated(address: str) -> ClusterError:
    """Another process is worker 0 already."""
    return ClusterError(
        f"{address} already coordinates this cluster.",
        hint="Wait for it, or stop it: a cluster has one worker 0.",
        code="cluster_taken",
    )
