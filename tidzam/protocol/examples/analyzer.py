"""Examples of the requests and the events of the analyzer."""

from __future__ import annotations

from typing import Final

from tidzam.protocol import analyzer, classifiers
from tidzam.protocol.examples.base import EventExample, RequestExample
from tidzam.protocol.extraction import SampleExtractionRequest
from tidzam.protocol.privacy import SpeechEvent
from tidzam.protocol.shadow import ShadowStatus, StartShadow
from tidzam.protocol.spectrogram import SpectrogramEvent

ANALYZER_REQUESTS: Final = (
    RequestExample(
        "List the classifiers",
        "sys",
        classifiers.ListClassifiers,
        {"sys": {"classifier": {"list": ""}}},
        {"ok": True, "sys": {"classifier": {"list": ["selector", "birds"]}}},
    ),
    RequestExample(
        "Reload the classifiers",
        "sys",
        classifiers.ReloadClassifiers,
        {"sys": {"classifier": {"reload": ""}}},
        {
            "ok": True,
            "sys": {
                "classifier": {
                    "reload": {
                        "classifiers": ["selector", "birds"],
                        "bundles": {"selector": "9e8b2a1f6c07", "birds": "41d7c0ffab36"},
                        "changed": True,
                        "shadow": {},
                    }
                }
            },
        },
    ),
    RequestExample(
        "End the shadow cascade",
        "sys",
        StartShadow,
        {"sys": {"classifier": {"shadow": {"stop": True}}}},
        {"ok": True, "sys": {"classifier": {"shadow": ShadowStatus(state="off").model_dump(mode="json")}}},
        'One is started with `{"sys": {"classifier": {"shadow": {"models": ["birds-2"]}}}}`, '
        'or with `{"add": ["herons"]}`, beside the live classifiers. '
        '`{"sys": {"classifier": {"promote": ""}}}` lets it take over, `{"promote": {"add": ["herons"]}}` classifiers '
        'without a shadow, and `{"sys": {"classifier": {"rollback": ""}}}` returns to those before; the responses to '
        "these are the one to `reload`.",
    ),
    RequestExample(
        "Subscribe to events",
        "subscribe",
        analyzer.Subscribe,
        {"events": ["detection"], "channels": ["pond:*"], "classes": ["birds*"], "mute_sys": True},
        {"ok": True},
    ),
    RequestExample(
        "Report the sources (sent by the stream manager)",
        "JackSource",
        analyzer.JackSource,
        [{"name": "pond", "starting_time": "2026-05-01-06-30-00", "rate_hz": 44100}],
        {"ok": True},
        "The content is a list of these objects.",
    ),
    RequestExample(
        "Get the rules by which clips are kept",
        "SampleExtractionRules",
        SampleExtractionRequest,
        {"get": "rules"},
        {"ok": True, "rules": {"pond": {"rate": "auto", "classes": ["birds*", "unknown"]}}},
        'They are set with `{"set": "rules", "rules": {"pond": {"rate": "auto"}}}`, which has the same response.',
    ),
    RequestExample(
        "Get the number of clips of each class",
        "SampleExtractionRules",
        SampleExtractionRequest,
        {"get": "database_info"},
        {"ok": True, "database_info": {"birds": 120, "frogs": 7, "unknown": 14}},
    ),
)

_WINDOW: Final = {
    "node": "garden",
    "source": "pond",
    "channel": "pond:out_0",
    "start": "2026-05-01T06:30:00Z",
    "end": "2026-05-01T06:30:01Z",
}

SHADOW: Final = {
    "state": "running",
    "classifiers": ["selector", "birds"],
    "bundles": {"selector": "9e8b2a1f6c07", "birds": "07c1f0aa5b92"},
    "since": "2026-05-01T06:00:00Z",
    "compared": 1800,
    "agreed": 1764,
    "agreement": 0.98,
    "mean_difference": 0.0213,
    "incomplete": 0,
    "dropped": 12,
    "errors": 0,
    "classes": [{"label": "birds-wren", "both": 95, "live_only": 4, "shadow_only": 32, "mean_difference": 0.0381}],
    "latest": [
        {
            "channel": "pond:out_0",
            "start": "2026-05-01T06:29:41Z",
            "live": {"unknown": 0.0},
            "shadow": {"birds-wren": 0.71},
        }
    ],
    "fault": None,
}

HEALTH: Final = {
    "node": "garden",
    "engine": "onnx",
    "classifiers": ["selector", "birds"],
    "bundles": {"selector": "9e8b2a1f6c07", "birds": "41d7c0ffab36"},
    "reload": {
        "loading": False,
        "count": 0,
        "refused": 0,
        "last": None,
        "promoted": False,
        "kept": True,
        "previous": None,
        "refusal": None,
    },
    "shadow": None,
    "channels": ["pond:out_0"],
    "lag_s": 0.04,
    "lost_frames": 0,
    "gaps": 0,
    "dropped_windows": 0,
    "replaced_samples": 0,
    "dropped_messages": 0,
    "windows_per_s": 1.0,
    "windows": 120,
    "last_window_age_s": 0.6,
    "capture_pid": 4711,
    "rate_hz": 48000,
    "faults": [],
    "channel_states": [
        {
            "channel": "pond:out_0",
            "state": "listening",
            "source_rate_hz": 44100,
            "left_out": [],
            "waiting": [],
            "missing_band": {},
        }
    ],
    "classifier_errors": {},
    "sinks": [{"name": "socketio", "delivered": 3600, "errors": 0, "dropped": 0, "fault": None}],
    "privacy": {
        "detector": "silero-vad",
        "action": "drop",
        "margin_s": 1.0,
        "scope": "source",
        "channels": [{"channel": "pond:out_0", "speech_s": 12.4, "dropped_clips": 3, "muted_clips": 0}],
    },
}

ANALYZER_EVENTS: Final = (
    EventExample(
        "`sys`: the results of all channels",
        "sys",
        analyzer.SysChannel,
        [
            {
                "chan": "pond:out_0",
                "analysis": {
                    "time": "2026-05-01-06-30-00.000",
                    "result": ["birds-wren"],
                    "predicitions": {"birds": 0.98, "birds-wren": 0.95, "frogs": 0.01},
                },
            }
        ],
        "Sent to every client after each analysis, unless it set `mute_sys`. The content is a list of these objects, "
        "one per channel. The event is frozen, including the spelling of `predicitions`.",
    ),
    EventExample(
        "`analysis`: one window of one channel",
        "analysis",
        analyzer.AnalysisEvent,
        _WINDOW
        | {
            "result": ["birds-wren"],
            "paths": [["birds", "birds-wren"]],
            "predictions": {"birds": 0.98, "birds-wren": 0.95, "frogs": 0.01},
            "scores": {"pond-novelty": 0.4712},
            "remainders": {"unknown": 0.02, "birds": 0.03},
            "level_dbfs": -31.5,
            "gap_frames": 0,
            "state": "listening",
            "left_out": [],
            "ages_s": {"birdnet": 1.0},
            "waiting": [],
            "shadow": False,
        },
    ),
    EventExample(
        "`detection`: a detection starts, continues or ends",
        "detection",
        analyzer.DetectionEvent,
        _WINDOW
        | {
            "state": "end",
            "id": "garden/pond:out_0/birds-wren/20260501T063000.000000/3f9a1c07-12",
            "channels": ["pond:out_0", "pond:out_2"],
            "levels_dbfs": {"pond:out_0": -31.5, "pond:out_2": -38.2},
            "arrivals_ms": {"pond:out_0": 0.0, "pond:out_2": 12.4},
            "path": ["birds", "birds-wren"],
            "peak_probability": 0.97,
            "mean_probability": 0.94,
            "windows": 4,
            "peak_scores": {"pond-novelty": 0.4987},
            "clip": None,
            "shadow": False,
        },
    ),
    EventExample(
        "`speech`: where a person speaks",
        "speech",
        SpeechEvent,
        {
            "node": "garden",
            "channels": [
                {
                    "channel": "pond:out_0",
                    "start": "2026-05-01T06:29:59.520000Z",
                    "end": "2026-05-01T06:30:00.512000Z",
                    "speech": [["2026-05-01T06:30:00.256000Z", "2026-05-01T06:30:00.512000Z"]],
                }
            ],
        },
        "Sent to those who subscribe to `speech`, about once per window, if `analyzer.privacy` has a detector. The "
        "stream manager mutes recordings by it.",
    ),
    EventExample(
        "`spectrogram`: what is heard, as a picture",
        "spectrogram",
        SpectrogramEvent,
        {
            "node": "garden",
            "bands": 4,
            "lowest_hz": 50.0,
            "highest_hz": 12000.0,
            "lowest_db": -100.0,
            "highest_db": -20.0,
            "channels": [
                {
                    "channel": "pond:out_0",
                    "start": "2026-05-01T06:30:00.000000Z",
                    "column_s": 0.1,
                    "columns": "QVB4PEJReTw=",
                }
            ],
        },
        "Sent to those who subscribe to `spectrogram`, once per window of the shortest classifier (of its hop, if "
        "windows overlap). There are 64 bands; the two columns of this example have four, to be short. If "
        "`analyzer.privacy` has a detector, columns are sent about two seconds later, once it is known where a person "
        "speaks, and those with speech or in the margin of it are 0.",
    ),
    EventExample(
        "`health`: every two seconds",
        "health",
        analyzer.AnalyzerHealth,
        HEALTH,
    ),
)
