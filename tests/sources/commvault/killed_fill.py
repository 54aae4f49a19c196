"""Run as a program: one slice after the other of a first fill, until it is done or somebody kills it.

killed_fill.py URL LEDGER AT: prints the offset after each page.
"""

from __future__ import annotations

import sys
import time

from exporter import fill
from exporter.history.ledger import Ledger
from exporter.model import Poll
from exporter.sources.commvault import Commvault
from exporter.sources.commvault.config import CommvaultSettings
from exporter.sources.commvault.jobs import fetch
from exporter.telemetry import Telemetry


def main(url: str, ledger: str, at: float) -> None:
    settings = CommvaultSettings.model_validate(
        {"name": "cs01", "kind": "commvault", "url": url, "lookback": "90d", "token": {"env": "CV_TOKEN"}}
    )
    source, state = Commvault(settings, Telemetry()), Ledger(ledger).state("cs01")
    fill.SLICE_SECONDS = 0.0
    history = None
    while history is None or history.fill_ratio < 1:
        history = fetch(source.client, Poll(at, None, state))
        print(history.fill_ratio, flush=True)
        # Slow enough to be killed in the midst of it.
        time.sleep(0.01)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
