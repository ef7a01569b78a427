"""The inference of an edge node: files that arrive in a folder are analyzed one by one, each exactly once."""
