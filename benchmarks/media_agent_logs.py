"""How fast the logs of MediaAgents are read, and how much memory that takes; and a poll that finds nothing new.

python benchmarks/media_agent_logs.py [--megabytes 100] [--folders 243]
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
from pathlib import Path

from exporter.history.ledger import Ledger
from exporter.model import Poll
from exporter.sources.commvault.media_agent_logs import MediaAgentLogs, fetch

AT = 1_773_576_000.0
MESSAGES = (
    "60-2-120-0 PruneAF        {n:5d} [60-2] Pruned AfId [{n}] from volume [88] completely",
    "60-3-120-0 PruneChunk     {n:5d} [60-3] Finalizing SI entries in chunk [{n}]",
    "60-0-120-0 Quiesce        {n:5d} waiting for [3] operations of the partition to end, [{n}] have ended",
    "60-0-120-0 Query          {n:5d} Primary [412000000], Secondary [{n}], Zero ref [120000], size [{n}] MB",
)


def write(path: Path, megabytes: int) -> int:
    """A quarter of each message, one second in ten lines; how many lines."""
    size = count = 0
    with path.open("w") as file:
        while size < megabytes << 20:
            second = count // 10
            clock = f"{second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
            message = random.choice(MESSAGES).format(n=count)
            size += file.write(f"4711  2a0c  03/{14 - count % 2:02d} {clock} ### {message}\n")
            count += 1
    return count


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--megabytes", type=int, default=100)
    arguments.add_argument("--folders", type=int, default=243, help="MediaAgents with four logs and a rotated one each")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        large, wide = Path(name, "large"), Path(name, "wide")
        large.mkdir()
        lines = write(large / "SIDBPrune.log", options.megabytes)
        ledger = Ledger(f"sqlite:///{name}/ledger.db")
        measure(f"{options.megabytes} MB, {lines:,} lines", large, ledger, options.megabytes)
        for folder in range(options.folders):
            where = wide / f"ma{folder:03d}"
            where.mkdir(parents=True)
            for log in ("SIDBPrune", "SIDBPrune_1", "SIDBPhysicalDeletes", "SIDBEngine", "CVMA"):
                where.joinpath(f"{log}.log").write_text(
                    f"{folder + 1} {log.encode().hex()[-8:]}  03/15 01:16:17 ### up\n"
                )
        measure(f"{options.folders} folders, 5 files each", wide, ledger, 0)
        ledger.close()
    print(f"{'at most resident':<40} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10:8d} MB")


def measure(what: str, directory: Path, ledger: Ledger, megabytes: int) -> None:
    logs, state = MediaAgentLogs(directory, "Europe/Berlin"), ledger.state(directory.name)
    # More than one poll, where the files are larger than a poll's share.
    for turn in ("first", *(["next"] * (megabytes // 64)), "nothing new"):
        started = time.perf_counter()
        fetch(logs, Poll(AT, None, state))
        print(f"{what + ', ' + turn:<50} {time.perf_counter() - started:8.2f} s", flush=True)


if __name__ == "__main__":
    main()
