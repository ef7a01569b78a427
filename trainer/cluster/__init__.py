"""Training on several machines: parameter servers keep the weights, workers change them, worker 0 also coordinates."""
