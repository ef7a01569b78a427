"""The command `tidzam`: options and output of each command. The work is done by other packages."""
