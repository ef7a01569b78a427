"""Search by example: the recorded sounds that are most similar to one, and the index that they are found in."""
