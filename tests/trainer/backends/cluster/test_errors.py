"""Faults on other machines, as the coordinator reports them, with TensorFlow's own errors."""

from __future__ import annotations

import pytest

from tidzam.errors import AudioError, ClusterError, DatasetError
from trainer.backends.cluster.errors import translate_errors

pytestmark = pytest.mark.timeout(180)


def test_a_fault_in_the_data_of_a_worker_keeps_its_message() -> None:
    import tensorflow as tf

    def cannot_read() -> None:
        raise DatasetError("a.wav could be read when training began, and now cannot.", hint="Put it back.")

    @tf.function  # type: ignore[untyped-decorator]  # TensorFlow has no types
    def step() -> object:
        return tf.numpy_function(cannot_read, [], tf.float32)

    with pytest.raises(DatasetError) as raised, translate_errors():
        step()
    assert str(raised.value) == "a.wav could be read when training began, and now cannot. Put it back."


def test_a_lost_parameter_server_is_named_and_other_faults_are_not_hidden() -> None:
    import tensorflow as tf

    with pytest.raises(ClusterError, match="Parameter server 1 was lost"), translate_errors():
        raise tf.errors.UnavailableError(None, None, "from /job:ps/replica:0/task:1: connection reset")
    with pytest.raises(tf.errors.InvalidArgumentError), translate_errors():
        raise tf.errors.InvalidArgumentError(None, None, "shapes differ")


def test_faults_keep_their_class() -> None:
    import tensorflow as tf

    with pytest.raises(AudioError) as raised, translate_errors():
        raise tf.errors.UnknownError(None, None, "{{function_node}} AudioError: a.wav is cut short.\nTraceback")
    assert str(raised.value) == "a.wav is cut short."
