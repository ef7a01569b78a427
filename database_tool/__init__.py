"""Compiled datasets: the operations, their command line and their editor."""
