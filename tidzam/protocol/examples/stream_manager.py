"""Examples of the requests of the stream manager."""

from __future__ import annotations

from typing import Final

from tidzam.protocol.examples.base import RequestExample
from tidzam.protocol.live_streams import AUDIO_EVENT, AddLiveStream, Audio, DeleteLiveStream
from tidzam.protocol.recordings import ListDatabases
from tidzam.protocol.source_requests import (
    ListSources,
    ListTransitions,
    LoadSource,
    ProbeSource,
    ReleaseSource,
    SwitchRecording,
    UnloadSource,
)

SOURCE: Final = {
    "name": "pond",
    "state": "playing",
    "ok": True,
    "is_permanent": True,
    "origin": "client",
    "url": "/srv/recordings/pond.flac",
    "is_url_complete": True,
    "loop": False,
    "format": "ogg",
    "selected": None,
    "channels": 1,
    "ports": ["pond:out_0"],
    "channel_names": ["0"],
    "mounts": ["http://127.0.0.1:8000/pond-out_0.ogg"],
    "restarts": 0,
    "last_error": None,
    "code": None,
    "started": "2026-05-01T06:30:00.250000Z",
    "bytes": 65536,
    "gaps": 0,
    "underruns": 0,
    "overruns": 0,
    "drift_ppm": None,
    "gap_s": 0.412,
    "gap_s_by_reason": {"source_down": 0.412},
    "last_gap": {
        "reason": "source_down",
        "start": "2026-05-01T06:29:59.838000Z",
        "end": "2026-05-01T06:30:00.250000Z",
    },
    "rate_hz": 44100,
    "band_hz": 22050,
    "remarks": [],
    "live_streams": [],
    "recording": None,
    "signals": [{"port": "pond:out_0", "state": "well", "level_dbfs": -31.5, "bandwidth_hz": 18000.0}],
    "replay": None,
}

REPLAYED: Final = SOURCE | {
    "name": "replay",
    "is_permanent": False,
    "url": "https://radio.example/marsh.ogg",
    "ports": ["replay:out_0"],
    "mounts": ["http://127.0.0.1:8000/replay-out_0.ogg"],
    "signals": [{"port": "replay:out_0", "state": "well", "level_dbfs": -31.5, "bandwidth_hz": 18000.0}],
    "replay": {
        "database": "marsh",
        "time": "2026-05-01T04:15:30Z",
        "file": "marsh-2026-05-01-04-15-00.opus",
        "holes": 0,
        "skipped_s": 0.0,
        "anchor_frame": 194230272,
        "anchor_time": "2026-05-01T04:15:30Z",
    },
}

COPIED: Final = SOURCE | {
    "name": "brook",
    "format": "copy",
    "is_permanent": False,
    "url": "https://radio.example/brook.opus",
    "channels": 30,
    "ports": [],
    "channel_names": [],
    "mounts": ["http://127.0.0.1:8000/brook.ogg"],
    "signals": [],
}

LOADED: Final = SOURCE | {
    "recording": {
        "on": False,
        "state": "off",
        "folder": "/var/lib/tidzam/recordings",
        "files": 0,
        "bytes": 0,
        "seconds": 0.0,
        "lost_seconds": 0.0,
        "failures": 0,
        "last_file": None,
        "problem": None,
        "retention": None,
        "held": 0,
        "muted_seconds": 0.0,
        "dropped_segments": 0,
        "privacy_problem": None,
    },
}
"""A source that clients may have recorded: replays and sources that are passed on as they are cannot be."""

STREAM_MANAGER_REQUESTS: Final = (
    RequestExample(
        "Load a source",
        "sys",
        LoadSource,
        {"sys": {"loadsource": {"name": "pond", "url": "/srv/recordings/pond.flac", "is_permanent": True}}},
        {"ok": True, "sys": {"loadsource": LOADED}},
    ),
    RequestExample(
        "Copy a stream to Icecast as it is encoded",
        "sys",
        LoadSource,
        {"sys": {"loadsource": {"name": "brook", "url": "https://radio.example/brook.opus", "format": "copy"}}},
        {"ok": True, "sys": {"loadsource": COPIED}},
    ),
    RequestExample(
        "Find out what a source would play",
        "sys",
        ProbeSource,
        {"sys": {"probesource": {"url": "/srv/recordings/pond.flac"}}},
        {
            "ok": True,
            "sys": {
                "probesource": {
                    "channels": 1,
                    "rate_hz": 48000,
                    "duration_s": 60.0,
                    "is_live": False,
                    "url": "/srv/recordings/pond.flac",
                }
            },
        },
        "The checks are those of loading it. It needs the right to manage.",
    ),
    RequestExample(
        "Return a source to its own address",
        "sys",
        ReleaseSource,
        {"sys": {"loadsource": {"name": "pond"}}},
        {"ok": True, "sys": {"loadsource": {"name": "pond"}}},
    ),
    RequestExample(
        "Switch the recording of a source",
        "sys",
        SwitchRecording,
        {"sys": {"record": {"name": "shed", "on": False}}},
        {"ok": True, "sys": {"record": {"name": "shed", "on": False}}},
        "Every source can be recorded, but for replays and those that are passed on as they are encoded. The switch "
        "survives a restart.",
    ),
    RequestExample(
        "List all sources",
        "sys",
        ListSources,
        {"sys": {"sources": ""}},
        {"ok": True, "sys": {"sources": [LOADED]}},
    ),
    RequestExample(
        "List the last transitions of a source",
        "sys",
        ListTransitions,
        {"sys": {"transitions": {"name": "pond"}}},
        {
            "ok": True,
            "sys": {
                "transitions": {
                    "name": "pond",
                    "count": 1,
                    "transitions": [
                        {
                            "time": "2026-05-01T06:30:00.250000Z",
                            "before": "loading",
                            "event": "started",
                            "after": "playing",
                            "code": None,
                            "reason": None,
                            "retry_in_s": None,
                        }
                    ],
                }
            },
        },
    ),
    RequestExample(
        "List all recordings",
        "sys",
        ListDatabases,
        {"sys": {"database": ""}},
        {
            "ok": True,
            "sys": {
                "database": {
                    "marsh": {
                        "nb_channels": 1,
                        "database": [
                            ["2026-04-01-00-00-00", "2026-04-17-09-21-44"],
                            ["2026-04-17-09-30-00", "2026-05-01-06-20-00"],
                        ],
                    },
                    "shed": {"nb_channels": 0, "database": []},
                }
            },
        },
        "The content is the name of a source, or empty for all. There is no recording of `shed` yet.",
    ),
    RequestExample(
        "Replay recordings from a date",
        "sys",
        LoadSource,
        {"sys": {"loadsource": {"name": "replay", "database": "marsh", "date": "2026-05-01-04-15-30"}}},
        {"ok": True, "sys": {"loadsource": REPLAYED}},
    ),
    RequestExample(
        "Unload a source",
        "sys",
        UnloadSource,
        {"sys": {"unloadsource": {"name": "pond"}}},
        {"ok": True, "sys": {"unloadsource": {"name": "pond"}}},
    ),
    RequestExample(
        "Begin a live stream",
        "sys",
        AddLiveStream,
        {"sys": {"add_livestream": ""}},
        {
            "ok": True,
            "sys": {
                "portname": "tidzam-livestreams:out_0",
                "mounts": ["http://127.0.0.1:8000/tidzam-livestreams-out_0.ogg"],
                "rate_hz": 44100,
            },
        },
        "A client needs this request only to learn its port: its first audio begins the stream as well.",
    ),
    RequestExample(
        "Send the audio of a live stream",
        AUDIO_EVENT,
        Audio,
        {"buffer": bytes(9600), "samplerate": 48000, "storage": False},
        {"ok": True},
        "The content may also be the bytes of `buffer` alone, at 44,100 Hz. Send a packet every 20 to 200 ms.",
    ),
    RequestExample(
        "End a live stream",
        "sys",
        DeleteLiveStream,
        {"sys": {"del_livestream": ""}},
        {"ok": True, "sys": {"del_livestream": ""}},
        "The stream also ends when the client disconnects.",
    ),
)

REFUSED: Final = RequestExample(
    "A refusal",
    "sys",
    None,
    {"sys": {"loadsource": {"name": "pond", "urll": "/srv/recordings/pond.flac"}}},
    {
        "ok": False,
        "error": {
            "code": "request",
            "message": "Invalid request: unknown key 'urll' (did you mean 'url'?).",
            "field": "urll",
        },
    },
)
