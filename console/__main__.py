"""`python -m console`: the web pages and the REST API of a node."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from console.app import create_app, guarded, make_runtime
from console.web.connections import bounded_protocol
from console.web.tls import tls_protocol
from tidzam.config import Settings, load_settings
from tidzam.errors import NodeError, SetupError
from tidzam.hangup import on_hangup
from tidzam.log import set_up_logging
from tidzam.server.connections import affordable
from tidzam.store.database import open_store
from tidzam.terminal import command_line, exit_on_error
from tidzam.tokens import take_token

log = logging.getLogger(__name__)

SHUTDOWN_S = 2

app = command_line()


@app.command()
def main(
    profile: Annotated[
        Path | None, typer.Option(help="The profile (YAML) of the node; the other options override it.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port.", show_default="8090")] = None,
) -> None:
    """Serve the web pages and the REST API of a node."""
    with exit_on_error("console"):
        settings = load_settings(profile) if profile else Settings()
        given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
        settings = settings.model_copy(update={"console": settings.console.model_copy(update=given)})
        set_up_logging(settings.log.level, json_lines=settings.log.json_lines)
        asyncio.run(serve(settings))


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises StoreError, SetupError and NodeError (`port_in_use`)."""
    console = settings.console
    with open_store(settings.store, settings.home) as store:
        runtime = make_runtime(settings, store, take_token(settings.home))
        server = uvicorn.Server(_configuration(settings, guarded(create_app(runtime), settings)))

        def end() -> None:
            runtime.live.close()
            server.should_exit = True

        for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises them again when it has ended
            signal.signal(number, lambda *_: end())
        on_hangup(reload=lambda: log.info("SIGHUP: the console has nothing to load again"), end=end)
        gc.freeze()  # what is loaded by now lasts: looking at it again would hold requests up
        log.info("console listens on %s", console.url)
        try:
            await server.serve()
        except SystemExit:  # uvicorn has logged why it cannot listen
            raise NodeError(
                f"The console cannot listen on {console.host}:{console.port}.",
                hint="Set another port for the console in the profile.",
                code="port_in_use",
            ) from None


def _configuration(settings: Settings, application: object) -> uvicorn.Config:
    """How uvicorn serves `application`. Raises SetupError for a certificate that cannot be used."""
    console, limits = settings.console, affordable(settings.limits)
    config = uvicorn.Config(
        application,  # type: ignore[arg-type]
        http=bounded_protocol(limits),
        host=console.host,
        port=console.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        timeout_graceful_shutdown=SHUTDOWN_S,
        limit_concurrency=limits.connections,
        h11_max_incomplete_event_size=65536,
        ssl_certfile=console.certificate,
        ssl_keyfile=console.private_key,
    )
    try:
        config.load()
    except OSError as error:
        raise SetupError(
            f"The TLS certificate {console.certificate} cannot be used: {error.strerror or error}.",
            hint="Check console.certificate and console.private_key.",
        ) from None
    if config.ssl is not None:  # uvicorn would not count connections that never complete their handshake
        config.http_protocol_class = tls_protocol(config.http_protocol_class, config.ssl)  # type: ignore[assignment,arg-type]
        config.ssl = None
    return config


if __name__ == "__main__":
    app()
