"""Run as a program: one slice after the other of a first fill with sessions, until it is done or somebody kills it.

killed_sessions.py URL LEDGER AT: prints how much has been read after each page.
"""

from __future__ import annotations

import sys
import time

from exporter import fill
from exporter.history.ledger import Ledger
from exporter.model import Poll
from exporter.sources.veeam import Veeam, sessions
from exporter.sources.veeam.config import VeeamSettings
from exporter.telemetry import Telemetry


def main(url: str, ledger: str, at: float) -> None:
    settings = VeeamSettings.model_validate(
        {"name": "vbr01", "kind": "veeam", "url": url, "username": "svc-ebbtide", "password": {"env": "VBR_PASSWORD"}}
    )
    source, state = Veeam(settings, Telemetry()), Ledger(ledger).state("vbr01")
    fill.SLICE_SECONDS, sessions.PAGE = 0.0, 20
    history = None
    while history is None or history.fill_ratio < 1:
        history = sessions.fetch(source.client, Poll(at, None, state))
        print(history.fill_ratio, flush=True)
        # Slow enough to be killed in the midst of it.
        time.sleep(0.01)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
