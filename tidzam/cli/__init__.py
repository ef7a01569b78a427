"""The command `tidzam`: each file is a few commands, each command asks another room to do the work."""
