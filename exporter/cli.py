"""The command line. Every command imports what it needs when it runs, so that none waits for the others' libraries."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

from exporter import __version__
from exporter.commands.check import check_source
from exporter.commands.commvault import commvault
from exporter.commands.forecast import forecast
from exporter.commands.history import history
from exporter.commands.nagios import nagios_config
from exporter.commands.scan import scan
from exporter.commands.sd import sd
from exporter.commands.veeam import veeam
from exporter.errors import ConfigError, EbbtideError

if TYPE_CHECKING:
    from exporter.config import Config
    from exporter.service import Service

Made = TypeVar("Made")

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False,
    help="Watches backup and storage systems and says why nothing is freed and when it is full.",
)  # fmt: skip

app.add_typer(commvault, name="commvault")
app.add_typer(veeam, name="veeam")
app.add_typer(history, name="history")
app.command("check-source")(check_source)
app.command()(forecast)
app.command()(scan)
app.command()(sd)
app.command("nagios-config")(nagios_config)

FAILED, USAGE = 1, 2

ConfigFile = Annotated[
    Path | None, typer.Option("--config", "--config.file", help="YAML file; without one, the local filesystems.")
]
LogLevel = Annotated[str, typer.Option("--log-level", help="debug, info, warning or error.")]


def main() -> None:
    app()


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    if version:
        print(f"ebbtide {__version__}")
        raise typer.Exit


@app.command()
def serve(
    config: ConfigFile = None,
    listen: Annotated[
        str | None, typer.Option("--listen", "--web.listen-address", help="Instead of web.listen.")
    ] = None,
    log_level: LogLevel = "info",
) -> None:
    """Poll the sources in the background and answer Prometheus, until Ctrl-C or SIGTERM."""
    _log_to_stderr(log_level)
    loaded = _load(config)
    address = _listen_address(listen) if listen else loaded.web.address
    from exporter.service import Service

    service = _or_exit(lambda: Service(loaded, config))

    def reload(*_: object) -> None:
        threading.Thread(target=_reload_quietly, args=(service,), daemon=True).start()

    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, reload)
    listening = _or_exit(lambda: _bind(*address))
    service.start()
    # uvicorn ends on these and then raises them again, for whoever was there before it: let that be nobody.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: None)
    service.serve(listening)
    service.close()
    logging.shutdown()
    sys.stdout.flush()
    # A poll that hangs, or a mount that never answers, holds its thread; the interpreter would wait for it for ever.
    os._exit(0)


@app.command()
def bridge(
    config: Annotated[Path, typer.Option("--config", "--config.file", help="YAML file with a section `bridge`.")],
    log_level: LogLevel = "info",
) -> None:
    """Take Alertmanager's webhooks and tell Nagios, Icinga and SNMP managers, until Ctrl-C or SIGTERM."""
    _log_to_stderr(log_level)
    loaded = _load(config)
    settings = loaded.bridge
    if settings is None:
        _fail(USAGE, f"{config}: there is no section bridge")
    from exporter import bundle
    from exporter.bridge.app import create_app
    from exporter.bridge.service import build
    from exporter.bridge.telemetry import BridgeTelemetry
    from exporter.config import state_directory
    from exporter.nagios.objects import passive
    from exporter.settings import address
    from exporter.web.server import server

    telemetry = BridgeTelemetry()
    sources = [(source.name, source.kind) for source in loaded.sources]
    services = {(one.host, one.alert) for one in passive(sources, bundle.path("rules"))}
    listening = _or_exit(lambda: _bind(*address(settings.listen), key="bridge.listen"))
    queue = settings.queue.path or _or_exit(state_directory) / "bridge.db"
    made = _or_exit(lambda: build(settings, queue, services, loaded.nagios.freshness, telemetry))
    made.start()
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: None)
    host, port = listening.getsockname()[:2]
    logging.getLogger("exporter.bridge").info("listening on %s port %d", host, port)
    server(create_app(made, telemetry), host, port).run(sockets=[listening])
    made.stop()
    logging.shutdown()


@app.command()
def demo(
    port: Annotated[int, typer.Option(help="Port of the exporter; Prometheus and Alertmanager take free ones.")] = 9877,
    days: Annotated[int, typer.Option(help="Days of made-up past to start with.")] = 30,
    log_level: LogLevel = "warning",
) -> None:
    """Watch this machine's filesystems, a simulated CommServe and a simulated VBR server, with real alerts."""
    _log_to_stderr(log_level)
    from exporter.demo import run

    status = run(port=port, days=days)
    logging.shutdown()
    sys.stdout.flush()
    os._exit(status)


@app.command("check-config")
def check_config(file: Annotated[Path, typer.Argument(help="YAML file to check.")]) -> None:
    """Say whether a configuration is valid; exit 0 or 2."""
    loaded = _load(file)
    print(f"{file}: valid; {len(loaded.sources)} sources: {', '.join(s.name for s in loaded.sources)}")


@app.command("poll-once")
def poll_once(
    config: ConfigFile = None,
    source: Annotated[str | None, typer.Option(help="Poll only this source.")] = None,
    at: Annotated[str | None, typer.Option(help="Judge windows and ages as of this ISO time; for replays.")] = None,
    log_level: LogLevel = "warning",
) -> None:
    """Poll every collector once, print the metrics, exit: 0 all well, 1 some failed, 2 wrong configuration."""
    _log_to_stderr(log_level)
    loaded = _load(config)
    moment = _moment(at)
    if source is not None and source not in {s.name for s in loaded.sources}:
        _fail(USAGE, f"there is no source {source!r}; there are {', '.join(s.name for s in loaded.sources)}")
    from exporter.service import Service

    service = _or_exit(lambda: Service(loaded, config))
    failed = 0
    for state in service.poll_once(moment, source):
        failed += state.success is False
        if sys.stderr.isatty():
            outcome = state.error or "ok"
            took = state.duration_seconds or 0.0
            print(f"{state.source}/{state.collector}: {outcome} ({took:.2f} s)", file=sys.stderr)
    sys.stdout.buffer.write(service.page(moment))
    sys.stdout.flush()
    service.close()
    logging.shutdown()
    os._exit(FAILED if failed else 0)


@app.command()
def provision(
    to: Annotated[Path, typer.Option("--to", help="Folder to write into; made if missing.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that were changed since.")] = False,
) -> None:
    """Write out the rules, dashboards, Alertmanager files and the example configuration."""
    from exporter import bundle

    try:
        written = bundle.write_out(to, overwrite=overwrite)
    except ConfigError as error:
        _fail(FAILED, str(error))
    except OSError as error:
        _fail(FAILED, f"{error.filename or to}: {error.strerror}")
    for path in written:
        print(path)
    if not written:
        print(f"{to}: everything is there and up to date", file=sys.stderr)


@app.command()
def docs(
    config_schema: Annotated[bool, typer.Option("--config-schema", help="JSON schema of the configuration.")] = False,
    metrics: Annotated[bool, typer.Option("--metrics", help="Table of all metrics, as Markdown.")] = False,
    thresholds: Annotated[bool, typer.Option("--thresholds", help="Table of all thresholds, as Markdown.")] = False,
    mib: Annotated[
        bool, typer.Option("--mib", help="EBBTIDE-MIB, what SNMP notifications of the bridge mean.")
    ] = False,
) -> None:
    """Print what is generated from the code."""
    if config_schema:
        from exporter.config import Config

        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}
        print(json.dumps(schema, indent=2))
    elif metrics:
        from exporter.docs import metric_tables

        print(metric_tables(), end="")
    elif thresholds:
        from exporter import bundle
        from exporter.docs_thresholds import threshold_tables

        print(threshold_tables((bundle.path("rules") / "thresholds.yaml").read_text(encoding="utf-8")), end="")
    elif mib:
        from exporter.bridge.mib import module

        print(module(), end="")
    else:
        _fail(USAGE, "say what: --config-schema, --metrics, --thresholds or --mib")


def _load(path: Path | None) -> Config:
    from exporter import config

    return _or_exit(lambda: config.load(path) if path else config.parse(""))


def _listen_address(listen: str) -> tuple[str, int]:
    from pydantic import ValidationError

    from exporter.config import Web

    try:
        return Web(listen=listen).address
    except ValidationError as error:
        _fail(USAGE, f"--listen: {error.errors()[0]['msg'].removeprefix('Value error, ')}")


def _bind(host: str, port: int, key: str = "web.listen") -> socket.socket:
    """The listening socket, bound before anything is polled: a port that is taken is said at once."""
    family = socket.AF_INET6 if ":" in host or (not host and socket.has_dualstack_ipv6()) else socket.AF_INET
    try:
        both = not host and family == socket.AF_INET6
        return socket.create_server((host, port), family=family, backlog=128, dualstack_ipv6=both)
    except OSError as error:
        raise ConfigError(f"{key}: {host}:{port}: {error.strerror or error}") from None


def _reload_quietly(service: Service) -> None:
    with suppress(ConfigError):  # it is logged
        service.reload()


def _or_exit(make: Callable[[], Made]) -> Made:
    try:
        return make()
    except EbbtideError as error:
        _fail(USAGE, str(error))


def _moment(text: str | None) -> float:
    if text is None:
        return datetime.now(UTC).timestamp()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        _fail(USAGE, f"--at: {text!r} is not an ISO time such as 2026-01-31T12:00:00Z")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _log_to_stderr(level: str) -> None:
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        _fail(USAGE, f"--log-level: {level!r} is none of debug, info, warning, error")
    logging.basicConfig(
        level=number, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%S%z"
    )
    # Their debug lines hold URLs with queries, and headers.
    for noisy in ("urllib3", "requests"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # It warns of every scraper that hangs up in the middle of a page.
    logging.getLogger("asyncio").setLevel(logging.ERROR)


def _fail(code: int, message: str) -> NoReturn:
    print(f"ebbtide: {message}", file=sys.stderr)
    raise typer.Exit(code)
