"""From labeled audio to classifiers in bundles. TensorFlow is loaded only when a network is needed."""
