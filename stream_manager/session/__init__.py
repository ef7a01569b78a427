"""Recording sessions: sources are recorded into a folder for as long as somebody wants, beside a node or without one.

`tally` is what was recorded so far; `__main__` runs the recorders, those of JACK ports and the direct one.
"""
