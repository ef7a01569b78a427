"""Summaries for TensorBoard: `tensorboard --logdir OUT.training/summaries`."""

from trainer.summaries.observer import EVERY, EXAMPLES, NB_EMBEDDINGS, RICH_EVERY, Summaries

__all__ = ["EVERY", "EXAMPLES", "NB_EMBEDDINGS", "RICH_EVERY", "Summaries"]
