"""Run as a program: writes to a history in a child that is killed at any moment, looks what is left, and again.

With a step of 12 hours, samples older than two days become days as it goes, of which the midnights are left.
Prints one JSON line: rounds, acknowledged appends, and those of them that a reopened history does not have.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sys
import time

from exporter.history.sql import SqlHistory

DAY = 86400
LABELS = {"source": "cs01", "kind": "commvault"}


def samples(at: int) -> list[tuple[str, dict[str, str], float]]:
    """Two series that are there always, and one that is new: it takes more than one statement."""
    pools = ("Gold", "Silver", f"New {at}")
    return [("ebbtide_pool_free_bytes", LABELS | {"pool": pool}, float(at)) for pool in pools]


def write(url: str, first: int, step: int, acknowledge: int) -> None:
    history = SqlHistory(url, resolution=1.0, raw=2 * DAY)
    at = first
    while True:
        history.append(samples(at), at)
        os.write(acknowledge, b"%d\n" % at)
        at += step


def left(url: str, pool: str) -> set[float]:
    history = SqlHistory(url, resolution=1.0)
    found = history.range("ebbtide_pool_free_bytes", LABELS | {"pool": pool}, 0, 1e9, 1.0)
    history.close()
    # A day that was broken off at noon closes at midnight with what noon had.
    assert set((found.timestamps - found.values).tolist()) <= {0.0, DAY / 2}
    return set(found.values.tolist())


def main(url: str, rounds: int, step: int) -> None:
    rng = random.Random(int(time.time()))
    acknowledged: set[int] = set()
    missing: set[float] = set()
    for number in range(rounds):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            write(url, max(acknowledged, default=0) + 10 * step, step, writing)
        os.close(writing)
        # Every other time while it opens or makes its first append, else in the midst of many.
        if number % 2:
            select.select([reading], [], [])
        time.sleep(rng.uniform(0, 0.02))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with os.fdopen(reading) as lines:
            acknowledged |= {int(line) for line in lines}
        young = max(acknowledged, default=0) - 2 * DAY
        missing |= {float(at) for at in acknowledged if at > young or at % DAY == 0} - left(url, "Gold")
        if acknowledged:
            newest = max(acknowledged)
            missing |= {float(newest)} - left(url, f"New {newest}")
    print(json.dumps({"rounds": rounds, "acknowledged": len(acknowledged), "missing": sorted(missing)}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
