"""Where a training runs: on this machine, or on the machines of a cluster."""
