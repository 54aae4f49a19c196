"""Run as a program: thirty days of a simulated CommServe, polled every eight hours as of their own moments.

killed_month.py FOLDER START: begins at the moment START (unix seconds) and says after each round as of when it was;
whoever kills it begins again at the round that was not said. The last line is the page, as JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from exporter.config import parse
from exporter.service import Service
from exporter.simulator.clock import Clock
from exporter.simulator.commserve import CommServe
from exporter.simulator.estate import Estate
from exporter.simulator.wire import Server

DAY, HOUR = 86400.0, 3600.0
BORN = 1_772_461_200.0
DAYS = 30
STEP = 8 * HOUR
CONFIG = """
history: {{url: 'sqlite:///{folder}/history.db'}}
ledger: {{url: 'sqlite:///{folder}/ledger.db'}}
forecast: {{workers: 1}}
sources: [{{name: cs01, kind: commvault, url: '{url}/commandcenter/api', username: svc-ebbtide,
            password: {{env: EBBTIDE_TEST_PASSWORD}}, lookback: 5d}}]
"""


def rounds(start: float) -> Iterator[float]:
    moment = start
    while moment <= BORN + DAYS * DAY:
        yield moment
        moment += STEP


def main(folder: str, start: float) -> None:
    clock = Clock(start, rate=0)
    estate = Estate("small", Clock(BORN, rate=0))
    estate.clock = clock
    with Server(CommServe(estate, clock, ddb_pending_deletes=True)) as server:
        service = Service(parse(CONFIG.format(folder=folder, url=server.url)), clock=clock.now)
        [watch] = service.watches
        # What is computed is computed at the end.
        watch.follow_up = lambda *_: None
        for moment in rounds(start):
            clock.set(moment)
            estate.catch_up()
            for name in ("pools", "jobs", "space") if moment % DAY == BORN % DAY else ("pools", "space"):
                state = watch.poll(name, moment)
                assert state.success, state.error
            print(moment, flush=True)
        states = list(service.poll_once(clock.now()))
        assert all(state.success for state in states), [state.error for state in states]
        print(json.dumps(service.board.page(clock.now()).text.decode()), flush=True)
        service.close()


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
