"""The direct recorder: records sound cards, files and addresses to files, without JACK.

`options` is what a recorder process is to do, `open_input` opens a source, by `file_input` or `pipe_input`; `feed`
moves its audio into a ring, at the pace that `pace` decides; `recorder` moves it on to files with the parts of
`stream_manager.recorder`; `room` deletes the oldest files of a full disk; `profile` makes the options of an edge node;
`__main__` is the process.
"""
