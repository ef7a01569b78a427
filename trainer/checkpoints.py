"""Checkpoints: everything that a training needs to continue as if it had not been interrupted."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from tidzam.errors import DatasetError, SetupError
from trainer.loop import StepReport

if TYPE_CHECKING:
    from trainer.loop import TrainingState

KEPT = 2
"""Number of checkpoints kept: if writing the last one fails, the one before is still there."""


class Checkpoints:
    """Saves the weights, the optimizer's state and the step of `state` in `folder`, every `every` steps.

    They are written by the TensorFlow device `io_device`, or if it is None by the device of each weight.
    """

    def __init__(self, folder: Path, state: TrainingState, *, every: int, io_device: str | None = None) -> None:
        import tensorflow as tf

        self.folder = folder
        self._every, self._state = every, state
        # One by one, since what Keras tracks of a model lacks the state of its dropout.
        self._checkpoint = tf.train.Checkpoint(
            model=[variable.value for variable in state.model.variables],
            optimizer=[variable.value for variable in state.optimizer.variables],
            step=state.step,
        )
        self._device = tf.train.CheckpointOptions(experimental_io_device=io_device)
        self._manager = tf.train.CheckpointManager(self._checkpoint, folder, max_to_keep=KEPT)

    def watch(self, report: StepReport) -> None:
        """Save if a checkpoint is due after this step."""
        if report.step % self._every == 0:
            self.save()

    def save(self) -> int:
        """Save the current state. Returns its step.

        Raises SetupError (`checkpoint`) if it cannot be written; the checkpoint before it is still there.
        """
        import tensorflow as tf

        step = self._state.done
        try:
            self._manager.save(checkpoint_number=step, options=self._device)
        except (tf.errors.UnavailableError, tf.errors.AbortedError):
            raise  # a weight is not available: not a fault of the disk
        except (tf.errors.OpError, OSError) as error:
            reason = str(error).splitlines()[0]
            raise SetupError(
                f"Cannot write the checkpoint of step {step} to {self.folder}: {reason}.",
                hint="Free disk space, then continue from the last checkpoint with --resume.",
                code="checkpoint",
            ) from None
        return step

    def resume(self) -> int:
        """Restore the last checkpoint. Returns its step.

        Raises DatasetError: `checkpoint_missing` if there is none, `checkpoint_other` if it is of another network.
        """
        import tensorflow as tf

        last = self._manager.latest_checkpoint
        if last is None:
            raise DatasetError(
                f"There is no checkpoint in {self.folder}.", hint="Train without --resume.", code="checkpoint_missing"
            )
        try:
            self._checkpoint.restore(last, options=self._device).assert_existing_objects_matched()
        except (ValueError, AssertionError, tf.errors.InvalidArgumentError) as error:
            raise DatasetError(
                f"Checkpoint {last} is of another network: {str(error).splitlines()[0]}",
                hint="Resume with the same classes, network and features.",
                code="checkpoint_other",
            ) from None
        return self._state.done

    def clear(self) -> None:
        """Delete all checkpoints: the training is complete."""
        shutil.rmtree(self.folder, ignore_errors=True)
