"""Jobs that people asked for: asking, watching, cancelling."""
