"""Puts the house together: stores, sources, board, poller and web server of one configuration."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from exporter import bundle
from exporter import config as configuration
from exporter.board import Board
from exporter.config import Config
from exporter.errors import ConfigError
from exporter.estate import Estate
from exporter.findings.workers import Workers
from exporter.history.ledger import Ledger
from exporter.history.opening import open_history
from exporter.model import CollectorState, Group, State
from exporter.nagios import thresholds
from exporter.poller import Poller
from exporter.sources import KINDS
from exporter.telemetry import Telemetry
from exporter.watch import Surroundings, Watch
from exporter.web.app import Doors, create_app
from exporter.web.metrics import own_series
from exporter.web.server import server

log = logging.getLogger(__name__)


class Service:
    """path: the file that reload reads again; None: the built-in configuration, which cannot change."""

    def __init__(self, config: Config, path: Path | None = None, clock: Callable[[], float] = time.time) -> None:
        self.config = config
        self._path = path
        self._clock = clock
        self._reloading = threading.Lock()
        self.telemetry = Telemetry()
        self.board = Board()
        self.poller = Poller(self.board, clock=clock)
        history_url, ledger_url = config.store_urls()
        self.history = open_history(
            config.history, history_url, self.telemetry, lambda source: self.config.keep_of(source)
        )
        self.ledger = Ledger(ledger_url)
        self._executor = Workers(config.forecast.workers)
        self._around = Surroundings(
            self.board, self.history, self.telemetry, self._executor, self._group_of, config.forecast
        )
        self.watches = [self._watch(settings) for settings in config.sources]
        estate = Estate(self._states, self.history, self._group_of, self._executor, config.forecast)
        self._estate = Watch(estate, self.ledger.state(estate.name), self._around)
        self._thresholds = _thresholds(config)
        self._loaded()

    def start(self) -> None:
        self.poller.start([*self.watches, self._estate])

    def reload(self) -> None:
        """Read the file again. Raises ConfigError, and then everything is as it was.

        A source whose configuration is the same keeps what it knows.
        """
        with self._reloading:
            try:
                new = configuration.load(self._path) if self._path else self.config
                for key in ("history", "ledger", "forecast"):
                    if getattr(new, key) != getattr(self.config, key):
                        raise ConfigError(f"{self._path}: {key} cannot change while running; restart")
                if new.web != self.config.web:
                    raise ConfigError(f"{self._path}: web cannot change while running; restart")
                known = {watch.source.name: watch for watch in self.watches}
                before = {settings.name: settings for settings in self.config.sources}
                numbers = _thresholds(new)
                watches = [known[s.name] if before.get(s.name) == s else self._watch(s) for s in new.sources]
            except ConfigError as error:
                self.telemetry.reload_successful.set(0)
                log.error("the old configuration stays: %s", error)
                raise
            regrouped = new.groups != self.config.groups
            self.config, self.watches, self._thresholds = new, watches, numbers
            self.poller.replace([*watches, self._estate])
            if regrouped:
                for watch in watches:
                    watch.publish_all(self._clock())
                self.poller.poll_now(self._estate.source.name)
            self._loaded()
            log.info("configuration reloaded: %d sources", len(watches))

    def poll_once(self, at: float, only: str | None = None) -> Iterator[CollectorState]:
        """Poll every collector of every source (or of one) in this thread, as of the moment `at`."""
        for watch in (*self.watches, self._estate):
            if only in (None, watch.source.name):
                for name in watch.collectors:
                    yield watch.poll(name, at)

    def page(self, at: float) -> bytes:
        """The exposition in the text format, as /metrics would answer it."""
        return self.board.page(at).text + own_series(self.telemetry, openmetrics=False)

    def serve(self, listening: socket.socket) -> None:
        """Answer HTTP on a bound socket until SIGINT or SIGTERM."""
        host, port = listening.getsockname()[:2]
        app = create_app(
            Doors(
                self.board,
                self.poller,
                self.telemetry,
                self.reload,
                self.config.web.lifecycle,
                self._clock,
                lambda: self._thresholds,
            )
        )
        log.info("listening on %s port %d, %d sources", host, port, len(self.watches))
        server(app, host, port).run(sockets=[listening])

    def close(self) -> None:
        self.poller.stop()
        self._executor.shutdown(cancel_futures=True)
        self.history.close()
        self.ledger.close()

    def _watch(self, settings: configuration.AnySource) -> Watch:
        source = KINDS[settings.kind](settings, self.telemetry)
        return Watch(source, self.ledger.state(settings.name), self._around)

    def _states(self) -> list[tuple[str, State]]:
        return [(settings.name, self.ledger.state(settings.name)) for settings in self.config.sources]

    def _group_of(self, source: str, pool: str) -> Group:
        return self.config.group_of(source, pool)

    def _loaded(self) -> None:
        self.telemetry.reload_successful.set(1)
        self.telemetry.reload_timestamp.set(self._clock())


def _thresholds(config: Config) -> thresholds.Thresholds:
    """What the Nagios checks compare with. Raises ConfigError."""
    return thresholds.from_file(config.nagios.thresholds or bundle.path("rules") / "thresholds.yaml")
