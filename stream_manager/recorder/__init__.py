"""The recorder process of a source, which writes its channels to files that are cut on the clock.

`__main__` is the process, `recording` moves audio from its ring to files, `continuous_file` and `segment_file` are the
two kinds of files, `encoder` is the ffmpeg that writes one, `folder` names, publishes and sets files aside, `repair`
makes usable files of what a crash left, `worker` does what may take long, `options` and `events` are what the process
exchanges with the output `recorder`.
"""
