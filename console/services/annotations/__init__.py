"""Annotations: read, made, changed, counted, imported and exported."""
