"""Novelty bundles: isolation forests of unlabeled audio, which find sound that is unlike it."""
