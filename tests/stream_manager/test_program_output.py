"""Parsing the output of ffprobe, mpv and Icecast. The end-to-end tests run the real programs."""

from __future__ import annotations

import pytest

from stream_manager.faults import (
    PlaybackError,
    SourceFailure,
    SourceFault,
    classify_broken_stream,
    classify_stderr,
    ends_unknown_length,
)
from stream_manager.icecast.server import MountStatus, parse_stats, parse_status
from stream_manager.network.probe import Probe, parse_probe

STEREO = b"""{"frames": [{"nb_samples": 64}], "format": {"duration": "3.5"},
 "streams": [{"sample_rate": "44100", "channels": 2}]}"""


def test_a_probe() -> None:
    assert parse_probe(STEREO) == Probe(channels=2, rate_hz=44100, duration_s=3.5)


@pytest.mark.parametrize("length", ["N/A", "0", "-1", "nan", ""])
def test_an_invalid_duration_is_none(length: str) -> None:
    assert parse_probe(STEREO.replace(b"3.5", length.encode())).duration_s is None


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (b'{"streams": [], "format": {}}', SourceFault.NOT_AUDIO),
        (b"", SourceFault.NOT_AUDIO),
        (b"[1]", SourceFault.NOT_AUDIO),
        (STEREO.replace(b"44100", b"N/A"), SourceFault.NOT_AUDIO),
        (b'{"frames": [], "streams": [{"sample_rate": "44100", "channels": 2}]}', SourceFault.EMPTY),
    ],
)
def test_media_without_audio_is_refused(answer: bytes, fault: SourceFault) -> None:
    with pytest.raises(PlaybackError) as caught:
        parse_probe(answer)
    assert caught.value.failure.fault is fault


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("[tcp @ 0x55] Connection to tcp://127.0.0.1:1 failed: Connection refused", SourceFault.UNREACHABLE),
        ("http://h/x.ogg: Server returned 404 Not Found", SourceFault.HTTP_NOT_FOUND),
        ("[ffmpeg] http: HTTP error 404 Not Found", SourceFault.HTTP_NOT_FOUND),  # mpv
        ("[https @ 0x55] HTTP error 410 Gone", SourceFault.HTTP_NOT_FOUND),
        ("http://h/x: Server returned 401 Unauthorized (authorization failed)", SourceFault.ACCESS_DENIED),
        ("rtsp://h/x: Server returned 403 Forbidden (access denied)", SourceFault.ACCESS_DENIED),
        ("http://h/x: Server returned 5XX Server Error reply", SourceFault.UNREACHABLE),
        ("http://h/x: Server returned 4XX Client Error, but not one of 40{0,1,3,4}", SourceFault.UNREACHABLE),
        ("[ffmpeg] http: HTTP error 503 Service Unavailable", SourceFault.UNREACHABLE),
        ("[tcp @ 0x55] Failed to resolve hostname nowhere: Name or service not known", SourceFault.UNKNOWN_HOST),
        ("[tcp @ 0x55] Failed to resolve hostname h: Temporary failure in name resolution", SourceFault.UNREACHABLE),
        ("http://h/x.ogg: Connection timed out", SourceFault.UNREACHABLE),
        ("[ao/jack] not enough ports available", SourceFault.JACK_FULL),
        ("x.html: Invalid data found when processing input", SourceFault.NOT_AUDIO),
        ("[pcm_s16le @ 0x55] Decoder requires channel count but channels not set", SourceFault.CHANNELS),  # ffmpeg 5.1
        ("[pcm_s16le @ 0x55] Decoder requires channel layout to be set", SourceFault.CHANNELS),  # ffmpeg 6.1 and 7.1
        (
            "[mp3 @ 0x56] Failed to read frame size: Could not seek to 1038.",
            SourceFault.NOT_AUDIO,
        ),  # ffmpeg 5.1 and 6.1
        ("[mp3 @ 0x56] Failed to find two consecutive MPEG audio frames.", SourceFault.NOT_AUDIO),  # ffmpeg 7.1
        ("/music: Is a directory", SourceFault.NOT_AUDIO),
        (
            "[graph_0_in_0_0 @ 0x56] Changing audio frame properties on the fly is not supported.",
            SourceFault.FORMAT_CHANGED,
        ),
        ("[in#0/ogg @ 0x55] Channel change is not supported", SourceFault.FORMAT_CHANGED),  # ffmpeg 8 and 9
        ("[in#0/ogg @ 0x55] Sample rate change is not supported", SourceFault.FORMAT_CHANGED),
        ("something else", SourceFault.DIED),
    ],
)
def test_faults_are_classified_by_the_output_of_programs(line: str, fault: SourceFault) -> None:
    assert classify_stderr(["", line], SourceFault.DIED).fault is fault


@pytest.mark.parametrize(
    "fault",
    [SourceFault.HTTP_NOT_FOUND, SourceFault.ACCESS_DENIED, SourceFault.UNKNOWN_HOST, SourceFault.NOT_AUDIO],
)
def test_faults_that_only_a_person_can_fix_are_persistent(fault: SourceFault) -> None:
    assert fault.persistent


def test_only_what_a_server_lacks_may_appear_by_itself() -> None:
    assert [fault for fault in SourceFault if fault.may_appear] == [SourceFault.HTTP_NOT_FOUND]


@pytest.mark.parametrize("fault", [SourceFault.UNREACHABLE, SourceFault.NO_DATA, SourceFault.STREAM_ENDED])
def test_faults_of_a_connection_pass(fault: SourceFault) -> None:
    assert not fault.persistent


def test_unrelated_lines_are_not_mistaken_for_the_reason() -> None:
    lines = ["it broke", "    Last message repeated 1 times", "client removed during hook handling"]
    assert classify_stderr(lines, SourceFault.DIED) == SourceFailure(SourceFault.DIED, "it broke")


BROKEN = "[in#0/mp3 @ 0x56] Error during demuxing: Connection reset by peer"
GARBAGE = "Error while decoding stream #0:0: Invalid data found when processing input"


def test_a_stream_that_has_played_ended_for_the_last_reason() -> None:
    found = classify_broken_stream([GARBAGE, GARBAGE, BROKEN], SourceFault.DIED)
    assert found == SourceFailure(SourceFault.UNREACHABLE, "Error during demuxing: Connection reset by peer")


def test_a_stream_whose_length_was_unknown_was_ended_by_its_server() -> None:
    found = classify_broken_stream(["http://host/pond: Input/output error"], SourceFault.DIED)
    assert found.fault is SourceFault.STREAM_ENDED


@pytest.mark.parametrize(
    ("line", "is_end"),
    [
        ("[http @ 0x55] Stream ends prematurely at 3917, should be 18446744073709551615", True),
        ("[http @ 0x55] Stream ends prematurely at 3917, should be 20000", False),
        ("http://host/pond: Input/output error", False),
    ],
)
def test_the_end_of_content_of_unknown_length_is_recognized(line: str, is_end: bool) -> None:
    assert ends_unknown_length([line, "http://host/pond: Input/output error"]) is is_end


def test_a_stream_that_has_played_may_play_again() -> None:
    found = classify_broken_stream([GARBAGE, "Conversion failed!"], SourceFault.DIED)
    assert found == SourceFailure(SourceFault.STREAM_ENDED, GARBAGE)


def test_an_error_names_the_source_the_reason_and_the_remedy() -> None:
    error = SourceFailure(SourceFault.NOT_FOUND, "/x.wav").error("pond")
    assert error.code == "source_not_found"
    assert str(error) == "Source pond does not play: the file does not exist (/x.wav). Check the path."


def test_mounts() -> None:
    source = '<source mount="/a-out_0.ogg"><total_bytes_read>12</total_bytes_read><listeners>3</listeners></source>'
    stats = f"<icestats>{source}</icestats>"
    assert parse_stats(stats) == {"/a-out_0.ogg": MountStatus(12, 3)}
    one = {"listenurl": "http://h:8000/a-out_0.ogg", "listeners": 2}
    assert parse_status({"icestats": {}}) == {}
    assert parse_status({"icestats": {"source": one}}) == {"/a-out_0.ogg": MountStatus(0, 2)}
    assert len(parse_status({"icestats": {"source": [one, {"listenurl": "http://h/b.ogg"}]}})) == 2
