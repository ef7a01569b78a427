"""Summaries for TensorBoard: `tensorboard --logdir OUT.training/summaries`."""
