"""Live analysis: from the ring of the capture process to analyses, its health, and the clocks of sources."""
