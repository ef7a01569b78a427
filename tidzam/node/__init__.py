"""A node: the processes of one machine, how they are started, watched, mended and ended."""
