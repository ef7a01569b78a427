"""The library that the programs of Tidzam share. Importing it loads nothing else."""

__version__ = "0.1.0"
