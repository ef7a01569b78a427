"""From the profile of an edge node to what its recorder does."""

from __future__ import annotations

from pathlib import Path

import pytest

from stream_manager.direct.profile import edge_options
from tidzam.config import Settings, load_settings
from tidzam.errors import ConfigError
from tidzam.paths import PROFILES


def settings_of(folder: Path, source: str) -> Settings:
    profile = folder / "edge.yaml"
    profile.write_text(f"home: {folder}\nedge: {{enabled: true}}\nsources:\n  - {source}\n", encoding="utf-8")
    return load_settings(profile)


def test_files_pass_from_the_folder_of_recordings_to_that_of_the_inference(tmp_path: Path) -> None:
    options = edge_options(settings_of(tmp_path, "{name: pond, url: pond.flac, loop: true}"))
    (source,) = options.sources
    assert source.record.folder == tmp_path / "audio" / "audio-temp"
    assert options.complete_in == tmp_path / "audio" / "audio-to-parse"
    assert [folder.name for folder in options.removable] == ["audio-parsed", "audio-to-parse"]
    assert (source.kind, source.address, source.loop) == ("file", str(tmp_path / "pond.flac"), True)


def test_a_file_is_a_minute_long_unless_it_says_otherwise(tmp_path: Path) -> None:
    (source,) = edge_options(settings_of(tmp_path, "{name: pond, url: pond.flac}")).sources
    assert (source.record.length_s, source.record.format) == (60, "flac")
    (other,) = edge_options(settings_of(tmp_path, "{name: pond, url: pond.flac, record: {length_s: 5}}")).sources
    assert other.record.length_s == 5


def test_a_sound_card_is_the_one_that_the_source_names(tmp_path: Path) -> None:
    text = '{name: mic, input: {device: "plughw:1", rate_hz: 44100}, nb_channels: 2, channels: [1]}'
    (source,) = edge_options(settings_of(tmp_path, text)).sources
    assert (source.kind, source.address) == ("device", "plughw:1")
    assert (source.device_rate_hz, source.device_channels, source.channels) == (44100, 2, (1,))


def test_an_address_is_opened_by_ffmpeg(tmp_path: Path) -> None:
    (source,) = edge_options(settings_of(tmp_path, '{name: mic, url: "rtsp://mic.example/live"}')).sources
    assert (source.kind, source.address) == ("address", "rtsp://mic.example/live")


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("{name: pond, tone: {}}", "records a url, a demo or an input"),
        ("{name: pond, input: {ports: ['system:capture_1']}}", "has no JACK ports"),
        ("{name: pond, url: pond.flac, record: {mode: segments}}", "has no segments"),
        ("{name: pond, url: 'http://pond.example/x', format: copy}", "has no format copy"),
    ],
)
def test_what_an_edge_node_cannot_record_is_refused_with_the_reason(tmp_path: Path, source: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        settings_of(tmp_path, source)


def test_other_nodes_have_no_sound_card_by_name(tmp_path: Path) -> None:
    profile = tmp_path / "node.yaml"
    profile.write_text('sources: [{name: mic, input: {device: "hw:1"}}]')
    with pytest.raises(ConfigError, match="jack"):
        load_settings(profile)


def test_the_ready_profile_is_within_the_memory_of_a_small_machine() -> None:
    settings = load_settings(PROFILES / "edge.yaml")
    assert settings.edge.enabled
    assert settings.check.memory_limit_mb == 250
