"""The files of the node: logs of its programs, and what takes up the disk."""
