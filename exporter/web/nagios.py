"""GET /nagios/CHECK: a plugin's output from the Board, for monitoring hosts that have no check_ebbtide."""

from __future__ import annotations

from collections.abc import Callable, Collection

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from nagiosplugin import Range

from exporter.errors import ConfigError
from exporter.nagios.check import Data, Selection
from exporter.nagios.checks import CHECKS
from exporter.nagios.samples import from_page
from exporter.nagios.thresholds import Thresholds
from exporter.nagios.verdict import State, unknown


def router(
    page: Callable[[Collection[str]], str], thresholds: Callable[[], Thresholds], clock: Callable[[], float]
) -> APIRouter:
    """page: the exposition of these metrics."""
    routes = APIRouter()

    @routes.get("/nagios")
    def listing() -> Response:
        return JSONResponse({name: check.help for name, check in CHECKS.items()})

    @routes.get("/nagios/{name}")
    def check(
        request: Request,
        name: str,
        source: str = "*",
        object: str = "*",  # noqa: A002 (the parameter's name in the URL)
        warning: str | None = None,
        critical: str | None = None,
    ) -> Response:
        chosen = CHECKS.get(name)
        if chosen is None:
            return PlainTextResponse(f"There is no check {name}; there are {', '.join(CHECKS)}.\n", 404)
        try:
            ranges = [None if text is None else Range(text) for text in (warning, critical)]
        except (ValueError, TypeError):
            return PlainTextResponse("warning and critical are ranges like 10, 10:, ~:10, 10:20 or @10:20.\n", 400)
        samples = from_page(page(chosen.metrics), chosen.metrics)
        try:
            verdict = chosen.run(Data(samples, thresholds(), clock(), Selection(source, object, *ranges)))
            output, state = verdict.render(), verdict.state
        except ConfigError as error:
            output, state = unknown(name, str(error)), State.UNKNOWN
        headers = {"cache-control": "no-store", "x-nagios-exit": str(int(state))}
        if "application/json" in request.headers.get("accept", ""):
            answer = {"exit": int(state), "state": state.name, "output": output}
            return JSONResponse(answer, headers=headers)
        return PlainTextResponse(f"{output}\n", headers=headers)

    return routes
