"""A node: the processes of one machine, how they are started, watched, repaired and ended."""
