"""A synthesized wetland with its ground truth, and classifiers trained on it."""
