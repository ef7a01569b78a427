"""Checkpoints: all that a training needs to go on as if it had never stopped."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from tidzam.errors import DatasetError, SetupError
from trainer.loop import StepReport

if TYPE_CHECKING:
    from trainer.loop import TrainingState

KEPT = 2
"""The one before the last is still there if writing the last one fails."""


class Checkpoints:
    """The weights, the optimizer's state and the step of a trainee, saved in `folder` every `every` steps.

    They are written by TensorFlow's `io_device`, or wherever each weight is kept.
    """

    def __init__(self, folder: Path, state: TrainingState, *, every: int, io_device: str | None = None) -> None:
        import tensorflow as tf

        self.folder = folder
        self._every, self._state = every, state
        # Each by itself: what Keras tracks of a model leaves out the state of its dropout.
        self._checkpoint = tf.train.Checkpoint(
            model=[variable.value for variable in state.model.variables],
            optimizer=[variable.value for variable in state.optimizer.variables],
            step=state.step,
        )
        self._device = tf.train.CheckpointOptions(experimental_io_device=io_device)
        self._manager = tf.train.CheckpointManager(self._checkpoint, folder, max_to_keep=KEPT)

    def watch(self, report: StepReport) -> None:
        """Save, if it is time."""
        if report.step % self._every == 0:
            self.save()

    def save(self) -> int:
        """Save the trainee as it is, beside the checkpoint before. Returns its step.

        Raises SetupError (`checkpoint`) if the disk is full or refuses; what was saved before is still there.
        """
        import tensorflow as tf

        step = self._state.done
        try:
            self._manager.save(checkpoint_number=step, options=self._device)
        except (tf.errors.UnavailableError, tf.errors.AbortedError):
            raise  # a weight cannot be had, which is no fault of the disk
        except (tf.errors.OpError, OSError) as error:
            reason = str(error).splitlines()[0]
            raise SetupError(
                f"The checkpoint of step {step} cannot be written to {self.folder}: {reason}.",
                hint="Make room, then go on from the last one with --resume.",
                code="checkpoint",
            ) from None
        return step

    def resume(self) -> int:
        """Make the trainee what it was at the last checkpoint. Returns its step.

        Raises DatasetError (`checkpoint_missing`, `checkpoint_other`) if there is none, or of another network.
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
                f"{last} is of another network: {str(error).splitlines()[0]}",
                hint="Resume with the same classes, network and features.",
                code="checkpoint_other",
            ) from None
        return self._state.done

    def clear(self) -> None:
        """Remove them: the training is complete."""
        shutil.rmtree(self.folder, ignore_errors=True)
