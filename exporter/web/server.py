"""How the application is served: one process owns the Board, so there is one worker."""

from __future__ import annotations

import uvicorn
from starlette.types import ASGIApp


def server(app: ASGIApp, host: str, port: int) -> uvicorn.Server:
    """A server for the application; its run() ends on SIGINT or SIGTERM. An empty host means all addresses."""
    return uvicorn.Server(
        uvicorn.Config(
            app, host=host or "0.0.0.0", port=port, http="httptools", loop="asyncio", ws="none", lifespan="off",  # noqa: S104
            log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=2,
        )
    )  # fmt: skip
