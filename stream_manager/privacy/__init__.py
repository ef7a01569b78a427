"""Recordings without speech: complete files are held back until speech in them is muted.

`gate` holds them, `reports` is what the analyzer has reported about speech, `job` is what the helper process
(`__main__`) is to do with a file, and `audio` decodes and writes again.
"""
