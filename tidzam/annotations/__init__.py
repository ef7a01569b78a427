"""Annotations of sound: which are valid, and the files in which other programs keep them."""
