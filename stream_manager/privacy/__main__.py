"""`python -m stream_manager.privacy`: mute speech in one held recording, and give it its final name.

The job is read from standard input; what was done is written to standard output, or, with exit code 1, why it failed.
If the process is killed, the recording is still held, muted or not.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from stream_manager.privacy.audio import RecordedAudio, at_low_priority, decoded, examined, mute
from stream_manager.privacy.job import HeldRecording, PrivacyJob, ReleasedRecording
from stream_manager.privacy.reports import ReportedSpeech
from stream_manager.recorder.folder import final_path, release
from stream_manager.recorder.repair import NoRoomError, UnusableError, examine
from tidzam.config.settings import AnalyzerSettings
from tidzam.errors import TidzamError
from tidzam.naming import parse_clip_name, port_name
from tidzam.segments import Segment, SegmentIndex
from tidzam.speech_times import Interval, clipped, merged

_MOST_REPORTED_S: Final = 3600.0
"""Longer files are judged by themselves: the clock of a sound card deviates from the system's by up to a second in
them."""


def main() -> int:
    at_low_priority()
    try:
        print(done(PrivacyJob.from_json(sys.stdin.read())).as_json())
    except (TidzamError, UnusableError, NoRoomError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def done(job: PrivacyJob) -> ReleasedRecording:
    """Do a job. Raises TidzamError, UnusableError, NoRoomError and OSError; then the recording is still held."""
    held, settings = job.held, AnalyzerSettings.model_validate(job.settings)
    audio = examined(held.path)
    reported = reported_speech(held, audio, job.reports, margin_s=settings.privacy.margin_s)
    if reported is None:
        from tidzam.speech.files import speech_in  # networks, which are seldom needed

        with decoded(held.path, audio.channels) as blocks:
            speech = speech_in(blocks, audio.rate_hz, settings, home=job.home)
    else:
        speech = reported
    private = private_intervals(
        speech, round(settings.privacy.margin_s * audio.rate_hz), by_source=settings.privacy.scope == "source"
    )
    frames = round(audio.seconds * audio.rate_hz)
    anywhere = clipped((interval for of_channel in private for interval in of_channel), 0, frames)
    muted_s = round(sum(last - first for first, last in anywhere) / audio.rate_hz, 3)
    is_segment = held.threshold is not None
    if anywhere and is_segment and settings.privacy.action == "drop":
        held.path.unlink()
        return ReleasedRecording(file=None, muted_s=muted_s, by_reports=reported is not None)
    peak = mute(held.path, audio, private) if anywhere else None
    if held.threshold is not None and peak is not None and peak < held.threshold:
        held.path.unlink()  # nothing but silence is left
        return ReleasedRecording(file=None, muted_s=muted_s, by_reports=reported is not None)
    final = _released(held, peak)
    return ReleasedRecording(file=str(final), muted_s=muted_s, by_reports=reported is not None)


def reported_speech(
    held: HeldRecording, audio: RecordedAudio, reports: Mapping[str, ReportedSpeech], *, margin_s: float
) -> list[tuple[Interval, ...]] | None:
    """Speech on each channel by the reports of the analyzer, in frames; None if they do not cover the file, or if it is
    too long for them."""
    name = parse_clip_name(final_path(held.path))
    if name is None or name.channel is not None or not held.is_reported:
        return None
    if audio.seconds > _MOST_REPORTED_S + 1:
        return None
    start_s = name.time.timestamp()
    end_s = start_s + audio.seconds + margin_s
    found = []
    for number in range(audio.channels):
        known = reports.get(port_name(name.source, number), ReportedSpeech())
        if not known.covers(start_s, end_s):
            return None
        found.append(
            tuple(
                (round((first - start_s) * audio.rate_hz), round((last - start_s) * audio.rate_hz))
                for first, last in known.speech
            )
        )
    return found


def private_intervals(
    speech: Sequence[Sequence[Interval]], margin: int, *, by_source: bool
) -> list[tuple[Interval, ...]]:
    """Speech with its margin in frames, on each channel; `by_source`, that of all channels on each."""
    wide = [merged((first - margin, last + margin) for first, last in of_channel) for of_channel in speech]
    together = merged(interval for of_channel in wide for interval in of_channel)
    return [together] * len(wide) if by_source else wide


def _released(held: HeldRecording, peak: float | None) -> Path:
    """Give a recording its final name, and a segment its row in the index."""
    final = release(held.path)
    name = parse_clip_name(final)
    if held.threshold is not None and name is not None:
        highest = examine(final).peak if peak is None else peak
        filepath = str(final.relative_to(held.root))
        SegmentIndex(held.root).add(Segment(name.source, name.time, highest, filepath))
    return final


if __name__ == "__main__":
    sys.exit(main())
