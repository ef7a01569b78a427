"""Classifiers that take over from others: loaded beside them, tried as a shadow, put in place between two windows."""
