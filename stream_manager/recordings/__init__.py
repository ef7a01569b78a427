"""Recordings of sources: found by date, and followed as new ones arrive."""
