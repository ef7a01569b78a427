"""From labeled audio to classifiers in bundles. TensorFlow is loaded only when a network is needed."""

from tidzam.startup_signals import catch_signals

catch_signals("trainer")
