"""The files that hold the detections of an archive. `base` has their contract; each format is a module."""
