"""Addresses: which may be opened, where they lead, and what is found there."""
