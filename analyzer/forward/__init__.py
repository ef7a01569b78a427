"""Forwarding to another node: requests over a slow link, and the clips that wait for it on disk."""
