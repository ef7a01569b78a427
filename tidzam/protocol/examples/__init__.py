"""An example of each message of the protocol, for docs/protocol.md. A test sends them to the real servers."""
