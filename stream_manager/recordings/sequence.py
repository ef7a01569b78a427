"""Which recording is played next, from where, and what is missing before it. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from stream_manager.recordings.index import Recording, RecordingIndex
from stream_manager.recordings.local_times import JOIN_S


@dataclass(frozen=True)
class Passage:
    """A recording that is played from `offset_s` on, which is the time `time_s` (seconds since 1970).

    `hole_s` is how much is missing between the previous passage, or the requested time, and this one.
    """

    recording: Recording
    offset_s: float
    time_s: float
    hole_s: float = 0.0


def first_passage(index: RecordingIndex, time_s: float, *, now_s: float = math.inf) -> Passage | None:
    """Where to begin for a time: in the recording that holds it, or else with the next one. None if there is none.

    Recordings that are dated after the present, `now_s`, were made by a clock that was ahead, and are not played.
    """
    recording = index.at(time_s)
    if recording is not None and recording.start_s <= now_s:
        return Passage(recording, time_s - recording.start_s, time_s)
    recording = index.after(time_s)
    if recording is None or recording.start_s > now_s:
        return None
    return Passage(recording, 0.0, recording.start_s, recording.start_s - time_s)


def next_passage(index: RecordingIndex, played: Passage, played_s: float, *, now_s: float = math.inf) -> Passage | None:
    """What follows a passage of which `played_s` seconds were played; None if there is no later recording up to the
    present, `now_s`.

    A recording that begins within JOIN_S of the end of the last one follows it sample by sample, and time goes on:
    names are cut to whole seconds. It is set again when it deviates by more than that. Of a recording that overlaps the
    last one, the rest is played.
    """
    end_s = played.recording.start_s + played.offset_s + played_s
    following = index.following(played.recording)
    while following is not None and following.start_s <= now_s:
        hole_s = following.start_s - end_s
        if hole_s > JOIN_S:
            return Passage(following, 0.0, following.start_s, hole_s)
        if hole_s >= -JOIN_S:
            time_s = played.time_s + played_s
            is_right = abs(time_s - following.start_s) <= JOIN_S
            return Passage(following, 0.0, time_s if is_right else following.start_s)
        if following.start_s + index.length_s(following) > end_s + JOIN_S:
            return Passage(following, -hole_s, end_s)
        following = index.following(following)
    return None
