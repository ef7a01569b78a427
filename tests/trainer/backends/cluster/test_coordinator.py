"""What goes wrong on another machine, as the coordinator tells it: TensorFlow's own errors are the real ones."""

from __future__ import annotations

import pytest

from tidzam.errors import AudioError, ClusterError, DatasetError
from trainer.backends.cluster.coordinator import ClusterBackend

pytestmark = pytest.mark.timeout(180)


def test_what_is_wrong_with_a_workers_data_is_told_in_its_words() -> None:
    import tensorflow as tf

    def cannot_read() -> None:
        raise DatasetError("a.wav could be read when training began, and now cannot.", hint="Put it back.")

    @tf.function  # type: ignore[untyped-decorator]  # TensorFlow has no types
    def step() -> object:
        return tf.numpy_function(cannot_read, [], tf.float32)

    coordinator = object.__new__(ClusterBackend)
    with pytest.raises(DatasetError) as told, coordinator.translate_errors():
        step()
    assert str(told.value) == "a.wav could be read when training began, and now cannot. Put it back."


def test_a_lost_parameter_server_is_named_and_a_fault_of_our_own_is_not_hidden() -> None:
    import tensorflow as tf

    coordinator = object.__new__(ClusterBackend)
    with pytest.raises(ClusterError, match="Parameter server 1 is gone"), coordinator.translate_errors():
        raise tf.errors.UnavailableError(None, None, "from /job:ps/replica:0/task:1: connection reset")
    with pytest.raises(tf.errors.InvalidArgumentError), coordinator.translate_errors():
        raise tf.errors.InvalidArgumentError(None, None, "shapes differ")


def test_a_fault_of_any_kind_keeps_its_kind() -> None:
    import tensorflow as tf

    coordinator = object.__new__(ClusterBackend)
    with pytest.raises(AudioError) as told, coordinator.translate_errors():
        raise tf.errors.UnknownError(None, None, "{{function_node}} AudioError: a.wav is cut short.\nTraceback")
    assert str(told.value) == "a.wav is cut short."
