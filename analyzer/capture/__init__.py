"""The capture process: it copies JACK ports into the shared ring, and does nothing else.

`__main__` is the process, `recorder` its JACK client, `patterns` says which ports it takes, `events` is what it tells
the analyzer, and `child` is the analyzer's end of it.
"""
