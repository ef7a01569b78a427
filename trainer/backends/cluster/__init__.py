"""Training on several machines: parameter servers keep the weights, workers update them, worker 0 also coordinates."""
