"""From audio folders or compiled datasets to batches of log-mel features, without TensorFlow."""
