"""The analysis of one audio file: its place in time, its windows, its report."""
