"""Run as a program: appends to a history while the largest size of a file is limited, then while it is not.

Prints one JSON line: the error, how many appends succeeded before it, and the values that are there afterwards.
"""

from __future__ import annotations

import json
import resource
import sys

from exporter.errors import HistoryError
from exporter.history.sql import SqlHistory

GOLD = {"source": "cs01", "kind": "commvault", "pool": "Gold"}
NAME = "ebbtide_pool_free_bytes"
LIMIT = 300_000


def limit(size: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))


def main(url: str) -> None:
    history = SqlHistory(url, resolution=1.0)
    errors, written = [], []
    limit(LIMIT)
    for at in range(1, 40):
        many = [(NAME, GOLD | {"pool": f"Pool {at} {number}"}, 1.0) for number in range(200)]
        try:
            history.append([(NAME, GOLD, float(at)), *many], at)
            written.append(at)
        except HistoryError as error:
            errors.append(str(error))
    limit(resource.RLIM_INFINITY)
    for at in range(40, 45):
        history.append([(NAME, GOLD, float(at))], at)
        written.append(at)
    found = history.range(NAME, GOLD, 0, 100, 1.0).values.tolist()
    print(json.dumps({"errors": errors, "written": written, "found": found}))
    history.close()


if __name__ == "__main__":
    main(sys.argv[1])
