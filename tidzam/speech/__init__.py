"""Speech detectors: where a person speaks, channel by channel, live and in files."""
