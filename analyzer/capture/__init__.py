"""The capture process, which only copies JACK ports into the shared ring.

`__main__` is the process, `port_watcher` follows the ports that match, `slots` assigns them to slots of the ring,
`port_capture` is the JACK client of one source, `events` are its messages to the analyzer, and `child` is the
analyzer's end of it.
"""
