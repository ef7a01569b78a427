"""Profiles: all errors are reported with their lines."""

from pathlib import Path

import pytest

from tidzam.cli.options import profile_settings
from tidzam.config import Settings, load_settings, load_sources
from tidzam.config.__main__ import document
from tidzam.config.shadow import ShadowSettings
from tidzam.errors import ConfigError
from tidzam.paths import PROFILES, home_folder


def write(folder: Path, text: str) -> Path:
    path = folder / "profile.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def mistakes(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_settings(write(folder, text))
    return caught.value.message.splitlines()


def test_an_empty_profile_is_all_defaults(tmp_path: Path) -> None:
    default = Settings()
    record = default.stream_manager.record.model_copy(update={"path": home_folder() / "recordings"})
    manager = default.stream_manager.model_copy(update={"record": record})
    edge = default.edge.model_copy(update={"folder": home_folder() / "audio", "csv": home_folder() / "detections.csv"})
    expected = default.model_copy(update={"stream_manager": manager, "edge": edge})
    assert load_settings(write(tmp_path, "")) == expected


def test_folders_that_an_edge_node_names_are_relative_to_the_profile(tmp_path: Path) -> None:
    edge = load_settings(write(tmp_path, "edge: {folder: sound, csv: found.csv}")).edge
    assert (edge.folder, edge.csv) == (tmp_path / "sound", tmp_path / "found.csv")


def test_an_edge_node_may_write_no_csv_file(tmp_path: Path) -> None:
    assert load_settings(write(tmp_path, "edge: {csv: null}")).edge.csv is None


@pytest.mark.parametrize("path", sorted(PROFILES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_ready_profile_is_valid(path: Path) -> None:
    assert load_settings(path).sources


@pytest.mark.parametrize("path", sorted(PROFILES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_ready_profile_keeps_the_sound_of_its_sources_within_limits(path: Path) -> None:
    settings = load_settings(path)
    kept = [source.record is not None and source.record.keep.deletes for source in settings.sources]
    assert settings.edge.parsed.deletes if settings.edge.enabled else all(kept)


def test_the_original_json_is_read_as_it_is(tmp_path: Path) -> None:
    text = """{
\t"sources":[
    {"name":"impoundment", "url":"http://example.org:8000/impoundment.opus",
      "path_database":"/mnt/audio/impoundment-mc", "nb_channels":30},
      {"name":"herring", "url":"http://example.org:8000/herring.ogg",
        "path_database":"/mnt/audio/herring", "nb_channels":1}
  ]
}"""
    impoundment, herring = load_sources(write(tmp_path, text))
    assert (impoundment.name, impoundment.nb_channels, impoundment.is_permanent) == ("impoundment", 30, True)
    assert herring.path_database == Path("/mnt/audio/herring")


def test_all_errors_are_reported_together_in_the_order_of_their_lines(tmp_path: Path) -> None:
    found = mistakes(
        tmp_path,
        """jack:
  rate: 48000
  period: 1000
analyser: {port: 8001}
icecast: {port: 99999}
sources:
  - name: bad name
    url: http://x/
  - {name: tidzam-x, url: http://x/}
log: {level: loud}
""",
    )
    places = [line.split(": ")[:2] for line in found]
    assert [(int(place.rsplit(":", 1)[1]), name) for place, name in places] == [
        (2, "jack.rate"),
        (3, "jack.period"),
        (4, "analyser"),
        (5, "icecast.port"),
        (7, "sources.0.name"),
        (9, "sources.1.name"),
        (10, "log.level"),
    ]
    assert "Did you mean 'rate_hz'?" in found[0]
    assert "Did you mean 'analyzer'?" in found[2]
    assert "found 99999" in found[3]
    assert "'debug', 'info', 'warning' or 'error'" in found[6]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sources: [{name: a}]", "expected one of url, demo, tone, noise, silence"),
        ("sources: [{name: a, url: x, tone: {}}]", "found url and tone"),
        ("sources: [{name: a, url: x, player: tone}]", "the setting `tone` describes"),
        ("sources: [{name: a, tone: {}, player: mpv}]", "the player mpv cannot play tone"),
        ("sources: [{name: a, tone: {frequency_hz: 22050}}]", "it must be below 22050 Hz"),
        ("sources: [{name: a, url: x}, {name: a, url: y}]", "several sources have the name a"),
        ("icecast: {port: 8001}", "have the same port"),
        ("jack: {server: a}\njack: {server: b}", ":2: jack is set twice"),
        ("jack: [", "invalid YAML"),
        ("home: \x07", "invalid YAML"),
        ("home: 2026-99-99", "invalid YAML"),
        ("sources: &a [*a]", "refers to itself"),
        ("jack: !!python/object:os.system {}", "could not determine a constructor"),
        ("- a list", "expected a mapping"),
        ("analyzer:\n  engine: onxx", ":2: analyzer.engine: found 'onxx'; there is no such engine"),
        ("analyzer:\n  decision: thresh", ":2: analyzer.decision.rule: found 'thresh'; there is no such decision rule"),
        ("home: !!timestamp x", "invalid YAML"),
        ("home: !!int ''", "invalid YAML"),
    ],
)
def test_an_error_is_described(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in "\n".join(mistakes(tmp_path, text))


def test_relative_paths_start_at_the_profile(tmp_path: Path) -> None:
    text = "sources: [{name: a, url: sounds/pond.wav}, {name: b, url: 'http://x/y'}]\nanalyzer: {nn: bundles}"
    settings = load_settings(write(tmp_path, text))
    assert [source.url for source in settings.sources] == [str(tmp_path / "sounds" / "pond.wav"), "http://x/y"]
    assert settings.analyzer.nn == tmp_path / "bundles"


@pytest.mark.parametrize(
    ("record", "expected"),
    [("{}", "node/recordings"), ("{path: archive}", "archive"), ("{path: ./recordings}", "recordings")],
)
def test_recordings_without_a_path_are_in_the_home(tmp_path: Path, record: str, expected: str) -> None:
    text = f"home: node\nsources: [{{name: a, url: 'http://x/y', record: {record}}}]"
    [source] = load_settings(write(tmp_path, text)).sources
    assert source.record is not None
    assert source.record.path == tmp_path / expected


def test_the_folder_of_a_shadow_is_relative_to_the_profile(tmp_path: Path) -> None:
    shadow = load_settings(write(tmp_path, "analyzer: {shadow: {nn: candidate}}")).analyzer.shadow
    assert shadow == ShadowSettings(nn=tmp_path / "candidate")


def test_a_shadow_of_nothing_is_refused(tmp_path: Path) -> None:
    assert "a shadow needs nn, models, or both" in "\n".join(mistakes(tmp_path, "analyzer: {shadow: {}}"))


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path / "none.yaml")


def test_the_documentation_names_every_setting() -> None:
    written = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert written == document(), "run: python -m tidzam.config > docs/configuration.md"


def test_the_old_name_of_a_setting_is_accepted_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = load_settings(write(tmp_path, "analyzer: {jack: 'a:,b:'}"))
    assert settings.analyzer.ports == ("a:", "b:")
    assert caplog.messages == ["setting analyzer.jack is deprecated; use analyzer.ports"]


def test_the_old_name_of_the_codec_of_mounts_is_accepted(tmp_path: Path) -> None:
    assert load_settings(write(tmp_path, "icecast: {format: opus}")).icecast.codec == "opus"


def test_a_moved_setting_works_in_its_old_place(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "profile.yaml"
    path.write_text("stream_manager: {silence_timeout_s: 77}")
    assert load_settings(path).stream_manager.healing.unhealthy_timeout_s == 77
    assert "use stream_manager.healing.unhealthy_timeout_s" in caplog.text


def test_a_moved_setting_that_is_set_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "profile.yaml"
    path.write_text("stream_manager: {silence_timeout_s: 77, healing: {unhealthy_timeout_s: 60}}")
    with pytest.raises(ConfigError, match="is set twice"):
        load_settings(path)


def test_a_setting_by_its_old_and_new_name_is_refused(tmp_path: Path) -> None:
    assert "analyzer.ports is set twice" in "\n".join(mistakes(tmp_path, "analyzer: {jack: 'a:', ports: 'b:'}"))


def test_the_folder_of_backups_is_relative_to_the_profile(tmp_path: Path) -> None:
    assert load_settings(write(tmp_path, "console: {backups: saved}")).console.backups == tmp_path / "saved"


def test_what_is_in_the_home_by_default_is_in_that_of_the_command_line(tmp_path: Path) -> None:
    settings = profile_settings("edge", tmp_path)
    assert settings.home == tmp_path
    assert settings.edge.folder == tmp_path / "audio"
    assert settings.stream_manager.record.path.is_relative_to(tmp_path)
