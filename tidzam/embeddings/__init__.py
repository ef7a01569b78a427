"""Embeddings: what the layer before a network's last one says about a window, as a vector of fixed size."""
