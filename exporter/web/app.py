"""The HTTP application: /metrics, health, reload, the status page."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.board import Board
from exporter.errors import ConfigError
from exporter.nagios.thresholds import Thresholds
from exporter.poller import Poller
from exporter.telemetry import Telemetry
from exporter.web import nagios, status
from exporter.web.metrics import MetricsEndpoint, own_series

_HANDLERS = ("/", "/metrics", "/-/healthy", "/-/ready", "/-/reload", "/-/poll", "/nagios")
_PAGE_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


@dataclass(frozen=True)
class Doors:
    """What the application is given; reload raises ConfigError and then everything is as it was."""

    board: Board
    poller: Poller
    telemetry: Telemetry
    reload: Callable[[], None]
    lifecycle: bool = False
    clock: Callable[[], float] = time.time
    thresholds: Callable[[], Thresholds] = lambda: Thresholds(())


def create_app(doors: Doors) -> ASGIApp:
    app = FastAPI(title="ebbtide", docs_url=None, redoc_url=None, openapi_url=None)
    poller = doors.poller

    def selectable() -> set[str]:
        states = doors.board.states()
        return {state.kind for state in states} | {state.collector for state in states}

    @app.get("/")
    def index() -> Response:
        page = status.render(poller.states(), poller.ups(), doors.clock(), actions=doors.lifecycle)
        return HTMLResponse(page, headers=_PAGE_HEADERS)

    @app.get("/-/healthy")
    def healthy() -> Response:
        if poller.healthy:
            return PlainTextResponse("ebbtide is healthy.\n")
        return PlainTextResponse("The scheduler does not run.\n", 503)

    @app.get("/-/ready")
    def ready() -> Response:
        if poller.ready:
            return PlainTextResponse("ebbtide is ready.\n")
        waiting = ", ".join(f"{s.source}/{s.collector}" for s in poller.states() if s.last_poll_at is None)
        return PlainTextResponse(f"Not polled yet: {waiting}\n", 503)

    @app.post("/-/reload")
    def reload(request: Request) -> Response:
        if refusal := _refusal(request, doors.lifecycle):
            return refusal
        try:
            doors.reload()
        except ConfigError as error:
            return PlainTextResponse(f"The old configuration stays: {error}\n", 400)
        return PlainTextResponse("Configuration reloaded.\n")

    @app.post("/-/poll")
    def poll(request: Request, source: str, collector: str | None = None) -> Response:
        if refusal := _refusal(request, doors.lifecycle):
            return refusal
        try:
            poller.poll_now(source, collector)
        except KeyError as missing:
            return PlainTextResponse(f"There is no {missing.args[0]}.\n", 404)
        return RedirectResponse("../", 303)

    def samples_of(names: Collection[str]) -> str:
        return (doors.board.lines(names, doors.clock()) + own_series(doors.telemetry, openmetrics=False)).decode()

    app.include_router(nagios.router(samples_of, doors.thresholds, doors.clock))
    metrics = MetricsEndpoint(doors.board, doors.telemetry, selectable, doors.clock)
    return _Counted(app, metrics, doors.telemetry)


def _refusal(request: Request, lifecycle: bool) -> Response | None:
    """Actions are off unless `web: {lifecycle: true}`, and never for a form on somebody else's page."""
    if not lifecycle:
        return PlainTextResponse("Actions are not enabled; set web: {lifecycle: true}.\n", 403)
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return PlainTextResponse("Actions are not accepted from other sites.\n", 403)
    return None


class _Counted:
    """Counts what was answered, by handler and code. A scrape goes past the framework, which would cost as much."""

    def __init__(self, app: ASGIApp, metrics: ASGIApp, telemetry: Telemetry) -> None:
        self._app = app
        self._metrics = metrics
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = "/nagios" if scope["path"].startswith("/nagios/") else scope["path"]
        handler = path if path in _HANDLERS else "other"

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._telemetry.http_requests.labels(handler, str(message["status"])).inc()
            await send(message)

        app = self._metrics if handler == "/metrics" and scope["method"] in ("GET", "HEAD") else self._app
        await app(scope, receive, counting)
