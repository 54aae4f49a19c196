"""GET /metrics: bytes that were ready before anybody asked, in the format and encoding the scraper wants."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from exporter.board import OPENMETRICS, TEXT, Board
from exporter.telemetry import Telemetry

# What `collect[]` calls the exporter's own series.
OWN = "exporter"

_SLICE = 256 * 1024


class MetricsEndpoint:
    """A bare ASGI application: at 100 MB a page, every copy that a response class makes is felt.

    selectable: the source kinds and collectors that `collect[]` may name.
    """

    def __init__(
        self,
        board: Board,
        telemetry: Telemetry,
        selectable: Callable[[], Iterable[str]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._board = board
        self._telemetry = telemetry
        self._selectable = selectable
        self._clock = clock
        # One page is made at a time: eight scrapers at once must not hold eight copies.
        self._making = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        chosen = frozenset(request.query_params.getlist("collect[]")) or None
        known = {*self._selectable(), OWN}
        if chosen and (unknown := sorted(chosen - known)):
            reason = f"unknown collector {', '.join(unknown)}; known are {', '.join(sorted(known))}\n"
            await PlainTextResponse(reason, 400)(scope, receive, send)
            return
        openmetrics = accepts(request.headers.get("accept", ""), "application/openmetrics-text")
        gzip = accepts(request.headers.get("accept-encoding", ""), "gzip")
        parts = await self._parts(openmetrics, gzip, chosen)
        headers = [
            (b"content-type", (OPENMETRICS if openmetrics else TEXT).encode()),
            (b"content-length", str(sum(map(len, parts))).encode()),
            (b"vary", b"accept, accept-encoding"),
        ]
        if gzip:
            headers.append((b"content-encoding", b"gzip"))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if request.method != "HEAD":
            for piece in _slices(parts):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                # A fast reader would otherwise have its 100 MB before anybody else has a byte.
                await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b""})

    async def _parts(self, openmetrics: bool, gzip: bool, chosen: frozenset[str] | None) -> tuple[bytes, bytes]:
        page = self._board.page(self._clock(), openmetrics=openmetrics, only=chosen)
        if not page.is_made(gzip=gzip):
            async with self._making:
                page = self._board.page(self._clock(), openmetrics=openmetrics, only=chosen)
                await run_in_threadpool(page.make, gzip=gzip)
        tail = b"# EOF\n" if openmetrics else b""
        if chosen is None or OWN in chosen:
            tail = own_series(self._telemetry, openmetrics)
        return page.gzipped(tail) if gzip else (page.text, tail)


def own_series(telemetry: Telemetry, openmetrics: bool) -> bytes:
    """The exporter's own counters; in OpenMetrics with the end mark of the page."""
    registry = telemetry.registry
    text: bytes = generate_openmetrics(registry) if openmetrics else generate_latest(registry)  # type: ignore[no-untyped-call]
    return text


def accepts(header: str, wanted: str) -> bool:
    """Whether an Accept or Accept-Encoding header names `wanted` and does not refuse it with q=0."""
    for item in header.split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        if name == wanted:
            return not any(p.startswith("q=") and _is_zero(p[2:]) for p in parameters)
    return False


def _is_zero(quality: str) -> bool:
    try:
        return float(quality) == 0
    except ValueError:
        return False


def _slices(parts: Iterable[bytes]) -> Iterator[memoryview]:
    for part in parts:
        view = memoryview(part)
        for start in range(0, len(view), _SLICE):
            yield view[start : start + _SLICE]
