"""Why a source does not play: reasons with a code, a hint, and whether they may pass by themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from tidzam.errors import SourceError


@dataclass(frozen=True)
class _Reason:
    code: str
    sentence: str
    hint: str
    persistent: bool
    """Only a person can fix it, so retries are rare."""


class SourceFault(Enum):
    """The known reasons."""

    NOT_FOUND = _Reason("source_not_found", "the file does not exist", "Check the path.", True)
    UNREADABLE = _Reason("source_unreadable", "it cannot be opened", "Check the path and its permissions.", True)
    UNREACHABLE = _Reason(
        "source_unreachable",
        "the address cannot be reached",
        "Check the address, and that its server is running.",
        False,
    )
    HTTP_NOT_FOUND = _Reason(
        "source_http_not_found",
        "its server has nothing at this address",
        "Check the address. A mount of Icecast exists only while its encoder is connected.",
        True,
    )
    ACCESS_DENIED = _Reason(
        "source_access_denied",
        "its server denies access",
        "Check the user name and the password in the address.",
        True,
    )
    UNKNOWN_HOST = _Reason(
        "source_unknown_host",
        "the name of its server is unknown",
        "Check the address, and the name servers that this machine uses.",
        True,
    )
    REDIRECTED = _Reason(
        "source_redirected",
        "its server redirects too often",
        "Load the address at which the redirections end, if they do.",
        True,
    )
    NOT_AUDIO = _Reason(
        "source_not_audio", "it contains no readable audio", "Use an audio file or an audio stream.", True
    )
    PLAYLIST = _Reason(
        "source_playlist",
        "it is a playlist that cannot be followed",
        "Load one of the addresses in the playlist.",
        True,
    )
    NOT_ALLOWED = _Reason(
        "address_not_allowed",
        "it leads to an address that the client may not load: private without the token, or link-local",
        "Send the token, or set stream_manager.allow_private_addresses or allowed_hosts in the profile.",
        True,
    )
    NO_RECORDING = _Reason(
        "no_recording",
        "there is no recording at or after its date",
        "Choose another date; the request `database` lists the periods.",
        True,
    )
    EMPTY = _Reason("source_empty", "it is empty", "Use a file or a stream that contains audio.", True)
    CHANNELS = _Reason(
        "source_channels",
        "its channels cannot be played",
        "Choose 1 to 64 channels of a source that has at most 64.",
        True,
    )
    NOT_COPYABLE = _Reason(
        "source_not_copyable",
        "its encoding cannot be copied to an Ogg mount",
        "Copy Vorbis, Opus, FLAC or Speex only; load others with the format ogg.",
        True,
    )
    NAME_TAKEN = _Reason(
        "source_name_taken",
        "another JACK client has its name",
        "Give the source another name, or end that client.",
        False,
    )
    JACK_FULL = _Reason(
        "jack_full",
        "the JACK server has no room for it",
        "Unload another source, or raise jack.port_max (--port-max of jackd). The number of clients cannot be raised.",
        False,
    )
    SILENT = _Reason("source_silent", "no audio arrived in time", "Check that it sends audio.", False)
    DIGITAL_SILENCE = _Reason(
        "source_digital_silence",
        "it sends only digital silence",
        "Check the microphone, or the program that encodes the stream.",
        False,
    )
    STUCK = _Reason(
        "source_stuck",
        "it repeats the same short piece of audio",
        "Check the sound card, or the program that encodes the stream.",
        False,
    )
    NO_DATA = _Reason(
        "source_no_data",
        "no data arrives any more",
        "Check the connection, and the program that sends the stream.",
        False,
    )
    STREAM_ENDED = _Reason(
        "source_stream_ended", "its server ended the stream", "Check the program that sends the stream.", False
    )
    FORMAT_CHANGED = _Reason(
        "source_format_changed",
        "its number of channels or its sample rate changed",
        "It is loaded again with the new one.",
        False,
    )
    HUNG = _Reason("source_player_hung", "its player hung and was replaced", "See the log.", False)
    INPUT_MISSING = _Reason(
        "source_input_missing",
        "the sound card has no such input",
        "Plug it in, or set `input.ports` of the source to ports that `tidzam sources devices` lists.",
        False,
    )
    TRUNCATED = _Reason(
        "source_truncated", "it ends before its stated duration", "Replace the file with a complete copy.", True
    )
    DIED = _Reason("source_player_died", "its player ended unexpectedly", "See the log.", False)
    INTERNAL = _Reason("internal", "an internal error occurred", "See the log.", False)

    @property
    def code(self) -> str:
        return self.value.code

    @property
    def persistent(self) -> bool:
        return self.value.persistent

    @property
    def replaces_player(self) -> bool:
        """Whether another player may do better: it is replaced, whether the source is permanent or not."""
        return self in _REPLACES_PLAYER

    @property
    def may_appear(self) -> bool:
        """Whether what is missing may appear without a person, so that the first retries come soon.

        A mount of Icecast exists only while its encoder is connected, which may begin later than the source.
        """
        return self is SourceFault.HTTP_NOT_FOUND


_REPLACES_PLAYER = frozenset(
    {
        SourceFault.HUNG,
        SourceFault.DIGITAL_SILENCE,
        SourceFault.STUCK,
        SourceFault.NO_DATA,
        SourceFault.FORMAT_CHANGED,
    }
)


@dataclass(frozen=True)
class SourceFailure:
    """A fault and its details."""

    fault: SourceFault
    detail: str = ""

    def __str__(self) -> str:
        reason = self.fault.value
        return f"{self._sentence()}. {reason.hint}"

    @property
    def code(self) -> str:
        return self.fault.code

    def error(self, source: str) -> SourceError:
        reason = self.fault.value
        return SourceError(f"Source {source} does not play: {self._sentence()}.", hint=reason.hint, code=reason.code)

    def _sentence(self) -> str:
        return f"{self.fault.value.sentence} ({self.detail})" if self.detail else self.fault.value.sentence


class PlaybackError(Exception):
    """A source cannot be played, or its player has failed; `failure` is the reason."""

    def __init__(self, failure: SourceFailure) -> None:
        super().__init__(str(failure))
        self.failure = failure


HTTP_ERROR = ("server returned", "http error")
"""What ffmpeg prints before a status code of HTTP or RTSP."""

# What ffprobe, mpv and ffmpeg print, in lower case: ffmpeg 5.1 to 9.0, mpv 0.35 to 0.40.
STDERR_PATTERNS: tuple[tuple[str, SourceFault], ...] = (
    ("not enough ports available", SourceFault.JACK_FULL),
    ("unable to register port", SourceFault.JACK_FULL),
    ("cannot open server", SourceFault.JACK_FULL),
    ("no such file or directory", SourceFault.NOT_FOUND),
    ("permission denied", SourceFault.UNREADABLE),
    ("connection refused", SourceFault.UNREACHABLE),
    ("name or service not known", SourceFault.UNKNOWN_HOST),
    ("no address associated with hostname", SourceFault.UNKNOWN_HOST),
    ("failed to resolve hostname", SourceFault.UNREACHABLE),  # no name server answers: that may pass
    *((f"{words} {code}", SourceFault.HTTP_NOT_FOUND) for words in HTTP_ERROR for code in (404, 410)),
    *((f"{words} {code}", SourceFault.ACCESS_DENIED) for words in HTTP_ERROR for code in (401, 403, 407)),
    ("server returned", SourceFault.UNREACHABLE),
    ("network is unreachable", SourceFault.UNREACHABLE),
    ("no route to host", SourceFault.UNREACHABLE),
    ("connection timed out", SourceFault.UNREACHABLE),
    ("connection reset", SourceFault.UNREACHABLE),
    ("operation timed out", SourceFault.UNREACHABLE),
    ("input/output error", SourceFault.UNREACHABLE),
    ("http error", SourceFault.UNREACHABLE),
    ("changing audio frame properties on the fly", SourceFault.FORMAT_CHANGED),
    ("channel change is not supported", SourceFault.FORMAT_CHANGED),
    ("sample rate change is not supported", SourceFault.FORMAT_CHANGED),
    ("channels not set", SourceFault.CHANNELS),
    ("requires channel layout to be set", SourceFault.CHANNELS),
    ("unsupported codec id in stream", SourceFault.NOT_COPYABLE),
    ("is a directory", SourceFault.NOT_AUDIO),
    ("end of file", SourceFault.NOT_AUDIO),
    ("failed to read frame size", SourceFault.NOT_AUDIO),
    ("failed to find two consecutive mpeg audio frames", SourceFault.NOT_AUDIO),
    ("error decoding audio", SourceFault.NOT_AUDIO),
    ("invalid data found", SourceFault.NOT_AUDIO),
    ("failed to recognize file format", SourceFault.NOT_AUDIO),
)


UNKNOWN_LENGTH = f"should be {2**64 - 1}"
"""What ffmpeg prints of a body of HTTP that began, and whose end is that of the connection."""

IGNORED_LINES = ("client removed during hook handling", "last message repeated")
"""Printed by mpv 0.40 and ffmpeg in addition to the reason."""


def classify_stderr(lines: Iterable[str], otherwise: SourceFault) -> SourceFailure:
    """The first known reason in the output of a program; `otherwise` with the last line if there is none."""
    printed = [
        line.strip() for line in lines if line.strip() and not any(text in line.lower() for text in IGNORED_LINES)
    ]
    for line in printed:
        for words, fault in STDERR_PATTERNS:
            if words in line.lower():
                return SourceFailure(fault, _without_prefix(line))
    return SourceFailure(otherwise, _without_prefix(printed[-1]) if printed else "")


def classify_broken_stream(lines: Sequence[str], otherwise: SourceFault) -> SourceFailure:
    """Why a stream that has played has ended: the last known reason in the output of a program.

    What was playable may be again, so that this is no reason that only a person could fix. For ffmpeg, it is an error
    of input that a server ends a stream of unknown length.
    """
    failure = classify_stderr(reversed(lines), otherwise)
    is_end = failure.fault.persistent or "input/output error" in failure.detail.lower()
    return SourceFailure(SourceFault.STREAM_ENDED, failure.detail) if is_end else failure


def ends_unknown_length(lines: Iterable[str]) -> bool:
    """Whether ffmpeg printed that a server has ended content whose length it had not stated."""
    return any(UNKNOWN_LENGTH in line for line in lines)


def _without_prefix(line: str) -> str:
    """`[tcp @ 0x55] text` as `text`."""
    return line.partition("] ")[2] if line.startswith("[") and "] " in line else line
