"""Results on disk until their receiver has accepted them: over an outage, a restart or a power cut."""
