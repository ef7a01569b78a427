"""`python -m analyzer`: analyze a file (--stream), or JACK ports live (--jack, --profile)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from analyzer.app import LiveOptions, run_live
from analyzer.extraction import rules_of
from analyzer.file_runner import FileOptions, run_file
from analyzer.sinks.chain import parse_chain_address
from tidzam.config.inference import ENGINES
from tidzam.config.load import load_settings
from tidzam.config.settings import AnalyzerSettings, Settings, StreamManagerSettings
from tidzam.config.sinks import ClipSinkSettings, CsvSinkSettings, SinkSettings
from tidzam.log import set_up_logging
from tidzam.paths import GAPS
from tidzam.server import Access
from tidzam.terminal import command_line, exit_on_error
from tidzam.text import comma_list
from tidzam.tokens import take_token

STANDALONE = Settings(analyzer=AnalyzerSettings(port=8080), stream_manager=StreamManagerSettings(port=8081))
"""Settings without a profile: the port of Tidzam 2019."""

app = command_line()


@app.command()
def analyze(
    stream: Annotated[Path | None, typer.Option("--stream", "-s", help="Audio file to analyze.")] = None,
    channel: Annotated[
        int | None, typer.Option("--channel", "-c", min=0, help="Channel to analyze; by default all.")
    ] = None,
    jack: Annotated[str, typer.Option("--jack", "-j", help="JACK ports: globs or prefixes, comma-separated.")] = "",
    nn: Annotated[Path | None, typer.Option("--nn", "-n", help="Folder of bundles; by default the demo's.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for extracted clips.")] = None,
    extract: Annotated[str, typer.Option(help="Classes to extract (unknown,birds-); by default all.")] = "",
    extract_dd: Annotated[bool, typer.Option(help="Extract rare classes rather than common ones.")] = True,
    extract_channels: Annotated[str, typer.Option(help="Channels to extract from (0,3); by default all.")] = "",
    show: Annotated[bool, typer.Option("--show", help="Play the file and show its spectrogram.")] = False,
    csv: Annotated[Path | None, typer.Option(help="CSV file for the detections.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the table.")] = False,
    overlap: Annotated[
        float | None, typer.Option(min=0, max=0.99, help="Fraction of a window shared with the next.")
    ] = None,
    chain_api: Annotated[str, typer.Option("--chainAPI", help="Post results to user:password@url.")] = "",
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Socket.IO port.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    engine: Annotated[
        str | None, typer.Option(help="Engine that runs the classifiers: onnx, keras or an installed one.")
    ] = None,
    gate: Annotated[
        float | None, typer.Option(min=0, max=1, help="Parent probability at which an expert runs.")
    ] = None,
    profile: Annotated[Path | None, typer.Option(help="Profile of the node (YAML); other options override it.")] = None,
    debug: Annotated[int, typer.Option(help="Above 0: log everything.")] = 0,
) -> None:
    """Analyze a file, or JACK ports live."""
    if stream is not None and (jack or chain_api):
        raise typer.BadParameter("--stream excludes --jack and --chainAPI, which are for live analysis.")
    if stream is None and (channel is not None or csv or as_json or show):
        raise typer.BadParameter("--channel, --csv, --json and --show require --stream.")
    if stream is None and not jack and profile is None:
        raise typer.BadParameter("Specify the input: --stream FILE, --jack PORTS or --profile YAML.")
    if engine is not None and engine not in ENGINES.names():
        raise typer.BadParameter(f"There is no engine {engine!r}. The known ones are {', '.join(ENGINES.names())}.")
    sinks: list[SinkSettings] = []
    if out is not None:
        rules = rules_of(classes=comma_list(extract), dynamic=extract_dd, channels=comma_list(extract_channels))
        sinks.append(ClipSinkSettings(folder=out, rules=rules))
    if csv is not None:
        sinks.append(CsvSinkSettings(path=csv, replace=True))
    if chain_api:
        sinks.append(parse_chain_address(chain_api))
    given = {"nn": nn, "ports": comma_list(jack) or None, "overlap": overlap, "host": host, "port": port, "gate": gate}
    settings = _settings(profile, {**given, "engine": engine}, sinks)
    set_up_logging("debug" if debug else settings.log.level, json_lines=settings.log.json_lines)
    if stream is None:
        asyncio.run(run_live(_live_options(settings, jack_server=settings.jack.server if profile else None)))
        return
    file = FileOptions(
        path=stream,
        settings=settings.analyzer,
        node=settings.node.known_as,
        channel=channel,
        as_json=as_json,
        show=show,
    )
    raise typer.Exit(run_file(file))


def _live_options(settings: Settings, *, jack_server: str | None) -> LiveOptions:
    return LiveOptions(
        settings=settings.analyzer,
        node=settings.node.known_as,
        jack_server=jack_server,
        access=Access.of(settings.access, host=settings.analyzer.host, token=take_token(settings.home)),
        limits=settings.limits,
        gaps=None if settings.home is None else settings.home / GAPS,
        keep_gap_days=settings.gaps.keep_days,
    )


def _settings(profile: Path | None, given: Mapping[str, object], sinks: Sequence[SinkSettings]) -> Settings:
    """The profile's settings, or the defaults, with the command line's options applied; typer has validated these.

    `sinks` are added to the profile's.
    """
    settings = load_settings(profile) if profile else STANDALONE
    over = {name: value for name, value in given.items() if value is not None}
    over["sinks"] = (*settings.analyzer.sinks, *sinks)
    return settings.model_copy(update={"analyzer": settings.analyzer.model_copy(update=over)})


def main() -> None:
    """Run the command line. Exit codes: 0 success, 1 failure (with one line on stderr), 2 wrong usage."""
    with exit_on_error("analyzer"):
        app()


if __name__ == "__main__":
    main()
