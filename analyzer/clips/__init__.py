"""Clips: which windows are kept, cut from the audio in memory, written, counted and deleted."""
