"""A Prometheus that knows an estate in which a lot goes wrong: scraped from the exporter, judged by the rules."""

from __future__ import annotations

import errno
import itertools
import json
import os
import re
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from exporter.model import DAY, HOUR
from exporter.service import Service
from exporter.simulator.clock import Clock
from exporter.simulator.commserve import CommServe
from exporter.simulator.estate import Estate
from exporter.simulator.names import APEX
from exporter.simulator.vbr import Vbr
from exporter.simulator.vbr_estate import VbrEstate
from exporter.simulator.wire import Server
from exporter.sources.filesystem.client import FilesystemClient
from exporter.sources.filesystem.source import Filesystem
from tests.alerting import exporter, hurried_rules, started
from tests.grafana.asking import SCRAPE_S, Prometheus
from tests.servers import need, wait_until

PASSWORD = "not-a-real-secret"
ACCESS, REFRESH = "access-of-cs02", "refresh-of-cs02"
PAST = 40 * DAY
# Of the second CommServe: since then no job has run, not even data aging.
STOOD_STILL = 3 * DAY
# (seconds before now, story, object), the oldest first.
COMMCELL = (
    (40 * DAY, "fulls_failing", None),
    (9 * DAY, "pruning_stopped", APEX),
    (6 * HOUR, "ddb_sealed", "Gold Primary"),
    (5 * HOUR, "retention_regressed", None),
    (3 * HOUR, "agent_dead", "ma01"),
)
BACKUPS = ((4 * DAY, "job_failing", "VM Exchange"), (4 * DAY, "dedup_off", None), (3 * DAY, "retention_failing", None))
GROUPS = (
    {"match": {"source": "cs0*", "pool": "Apex*"}, "business_unit": "Apex", "application": "Databases"},
    {"match": {"source": "*"}, "business_unit": "IT", "application": "Backup"},
)
# One has gone, one is read-only, and one has a name of characters that mean something in a regular expression.
MOUNTS = r"""22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
26 22 8:17 / /srv/c++\040(old) rw,noatime shared:30 - xfs /dev/sdb1 rw
28 22 0:48 / /mnt/nas rw,relatime shared:40 - nfs4 nas01.example.com:/vol1 rw
30 22 8:33 / /archive ro,relatime shared:42 - ext4 /dev/sdc1 ro
"""
# What comes last: an undisturbed while, requests and a scan of the last poll, an alert on what rules made of rules.
LAST = (
    "min(min_over_time(up[15s])) == 1",
    "rate(ebbtide_source_api_requests_total[1m]) > 0",
    "ebbtide_scan_running == 1",
    'ALERTS{alertname="EbbtideCommvaultAgingSucceedsPruningFails", alertstate="firing"}',
)
# Groups of rules that read each other's series, and an alert at the end that is pending once.
LONGEST_CHAIN = 5
# Slow enough for the scan of a tree that has grown to be under way when it is looked at.
ENTRIES_PER_SECOND = 20


class Simulated:
    """The backup systems, at `now` - PAST until they live on; the second CommServe at some time stands still."""

    def __init__(self, now: float, stack: ExitStack) -> None:
        self.now = now
        self.clock, self.other = (Clock(start=now - PAST, rate=0.0) for _ in range(2))
        self.commcell, self.second = (
            Estate("small", clock, age=60 * DAY, levels={APEX: 0.74}) for clock in (self.clock, self.other)
        )
        self.backups = VbrEstate("small", self.clock)
        told = [(ago, self.commcell, story, name) for ago, story, name in COMMCELL]
        told += [(ago, self.backups, story, name) for ago, story, name in BACKUPS]
        self._agenda = sorted(told, key=lambda happens: -happens[0])
        self.urls = [
            stack.enter_context(Server(application)).url
            for application in (
                CommServe(self.commcell, self.clock, password=PASSWORD, ddb_pending_deletes=True),
                CommServe(
                    self.second, self.other, ddb_pending_deletes=True, access_token=ACCESS, refresh_token=REFRESH
                ),
                Vbr(self.backups, self.clock, password=PASSWORD, role="administrator"),
            )
        ]

    def live(self, until: float) -> None:
        while self._agenda and self.now - self._agenda[0][0] <= until:
            ago, estate, story, name = self._agenda.pop(0)
            self.clock.set(self.now - ago)
            estate.tell(story, name)
        self.clock.set(until)
        self.other.set(min(until, self.now - STOOD_STILL))
        for commcell in (self.commcell, self.second):
            commcell.catch_up()
        self.backups.live()


@contextmanager
def lived(folder: Path, looked_back_on: Collection[str]) -> Iterator[Prometheus]:
    """One that has scraped it all, asked as of a moment at which every rule has spoken.

    looked_back_on: names of the series of which the last day is backfilled.
    """
    with ExitStack() as stack:
        now = time.time()
        simulated = Simulated(now, stack)
        sources = configured(folder, simulated)
        service, port = stack.enter_context(exporter(folder, sources, groups=[*GROUPS], forecast={"workers": 1}))
        growing(service, folder, simulated)
        # The same through two exporters: no board may show it twice, no rule stumble over it.
        targets = [f"127.0.0.1:{port}", f"localhost:{port}"]
        backfill(folder, life(service, simulated), looked_back_on, f'job="ebbtide",instance="{targets[0]}"')
        configuration = {
            "global": {"scrape_interval": "3s", "scrape_timeout": "3s", "evaluation_interval": "1s"},
            "rule_files": hurried_rules(folder),
            "scrape_configs": [{"job_name": "ebbtide", "static_configs": [{"targets": targets}]}],
        }
        with started(folder, configuration) as url:
            wait_until(lambda: Prometheus(url).now("up == 1"), "the exporter is scraped")
            list(service.poll_once(time.time()))
            scan(service, folder / "other", stack)
            at = settled(url)
    with started(folder, {"scrape_configs": []}) as url:
        yield Prometheus(url, at)


def settled(url: str) -> float:
    """A moment at which the last of all is there."""
    at = time.time()
    wait_until(
        lambda: Prometheus(url).now(f"count(timestamp(up) > {at} and up == 1) == 2"), "what was polled is scraped", 120
    )
    for _ in range(LONGEST_CHAIN):
        at = time.time()
        wait_until(lambda: judged(url) > at, "every group of rules is evaluated", 120)  # noqa: B023

    def is_settled() -> bool:
        nonlocal at
        at = time.time()
        return all(Prometheus(url, at).now(expr) for expr in LAST)

    wait_until(is_settled, " and ".join(LAST), 120)
    return at


def judged(url: str) -> float:
    """When the group of rules was evaluated that has waited longest."""
    time.sleep(0.3)
    page = requests.get(f"{url}/metrics", timeout=10).text
    return min(map(float, re.findall(r"(?m)^prometheus_rule_group_last_evaluation_timestamp_seconds\{.*\} (.+)", page)))


def configured(folder: Path, simulated: Simulated) -> list[dict[str, Any]]:
    """Two sources of each kind, of which the second has the same names; and one that may not log in."""
    pair = {"accessToken": ACCESS, "refreshToken": REFRESH, "renewableUntilTimestamp": simulated.now + DAY}
    for name, content in {"password": PASSWORD, "wrong": "not-the-password", "pair": json.dumps(pair)}.items():
        (folder / name).touch(0o600)
        (folder / name).write_text(content)
    for directory in ("tree/finance", "tree/home/alice", "other/home"):
        (folder / directory).mkdir(parents=True)
        (folder / directory / "ledger.xlsx").write_bytes(bytes(5000))
    (folder / "logs").mkdir()
    ddb = simulated.commcell.stores.all[0].id
    begin = datetime.fromtimestamp(simulated.now - DAY, UTC).strftime(f"4711  2a0c  %m/%d %H:%M:%S ### {ddb}")
    (folder / "logs/SIDBPrune.log").write_text(f"{begin}-3-120-0 P 8 [{ddb}-3] Finalizing SI entries in chunk [5]\n")
    (folder / "logs/SIDBEngine.log").write_text(f"{begin}-0-120-0 S 8 Total [9], Approx Valid [7]\n")
    tree = {"path": str(folder / "tree")}
    slow = {"path": str(folder / "other"), "interval": "1s", "entries_per_second": ENTRIES_PER_SECOND}
    first_commserve, second_commserve, vbr = simulated.urls
    account = {"username": "svc-ebbtide", "password_file": str(folder / "password")}
    veeam = {"kind": "veeam", "url": vbr, **account}
    commvault = {"kind": "commvault", "retained_jobs": True}
    return [
        {"name": "fs01", "kind": "filesystem", "mounts": {"include": ["/"]}, "scan": [tree, slow],
         "intervals": {"scans": "10m"}},
        {"name": "fs02", "kind": "filesystem", "scan": [tree]},
        {
            "name": "cs01", "url": f"{first_commserve}/webconsole/api", **commvault, **account,
            "copy_details": True, "media_agent_logs": {"directory": str(folder / "logs")},
        },
        {
            "name": "cs02", "url": f"{second_commserve}/webconsole/api", **commvault,
            "token_pair_file": str(folder / "pair"),
        },
        {"name": "vbr01", **veeam, "role": "backup_administrator"},
        {"name": "vbr02", **veeam},
        {"name": "vbr03", **veeam, "password_file": str(folder / "wrong")},
    ]  # fmt: skip


def growing(service: Service, folder: Path, simulated: Simulated) -> None:
    """Gives the second server filesystems that fill as time goes by."""
    table = folder / "mountinfo"
    table.write_text(MOUNTS)

    def statvfs(path: bytes) -> os.statvfs_result:
        if path == b"/mnt/nas":
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        blocks = 100_000_000
        free = int(blocks * (0.02 + 0.08 * (simulated.now - simulated.clock.now()) / PAST))
        return os.statvfs_result((4096, 4096, blocks, free, free, 1_000_000, 30_000, 30_000, 0, 255))

    source = next(watch.source for watch in service.watches if watch.source.name == "fs02")
    assert isinstance(source, Filesystem)
    source.client = FilesystemClient(source.client.settings, statvfs, table)


def scan(service: Service, tree: Path, stack: ExitStack) -> None:
    """Let a tree grow, and its scan run until the stack ends."""
    for number in range(240 * ENTRIES_PER_SECOND):
        (tree / f"{number}.log").touch()
    watch = next(watch for watch in service.watches if watch.source.name == "fs01")
    scanning = threading.Thread(target=watch.poll, args=("scans", time.time()))
    scanning.start()
    stack.callback(scanning.join)
    stack.callback(watch.source.close)

    def is_running() -> bool:
        watch.poll("scan_states", time.time())
        return b"ebbtide_scan_running_entries{" in service.page(time.time())

    wait_until(is_running, "the tree is scanned")


def life(service: Service, simulated: Simulated) -> list[tuple[float, str]]:
    """Polls of forty days up to two hours ago; what the page said from which moment of the last on, "" now."""
    for days in range(40, 1, -2):
        poll(service, simulated, days * DAY, {"pools", "dedup_stores", "mounts"})
    everything = {name for watch in service.watches for name in watch.collectors}
    pages = []
    for hours in range(27, 1, -5):
        # A forecast is of the present only.
        at = poll(service, simulated, hours * HOUR, everything - {"forecasts"})
        pages.append((at, service.page(at).decode()))
    return [*pages, (simulated.now, "")]


def poll(service: Service, simulated: Simulated, ago: float, names: Collection[str]) -> float:
    """Poll the collectors of those names as of so long ago, which is returned as a moment."""
    at = simulated.now - ago
    simulated.live(at)
    for watch in service.watches:
        for name in watch.collectors:
            if name in names:
                state = watch.poll(name, at)
                assert state.success is not False or state.source == "vbr03", state
    return at


def backfill(folder: Path, pages: Sequence[tuple[float, str]], names: Collection[str], target: str) -> None:
    """Write the series of those names into the store, each at its value until the next page."""
    samples = defaultdict(list)
    for (at, page), (end, _) in itertools.pairwise(pages):
        for line in page.splitlines():
            if line.partition("{")[0] in names:
                series, _, value = line.rpartition(" ")
                # The last of a page is so near the first of the next that a board's interval holds both or neither.
                moments = [*range(int(at), int(end) - SCRAPE_S // 2, 240), int(end) - SCRAPE_S // 2]
                samples[series] += [f"{value} {moment}" for moment in moments]
    write_past(folder, (f"{series[:-1]},{target}}} {each}\n" for series in sorted(samples) for each in samples[series]))


def write_past(folder: Path, lines: Iterable[str]) -> None:
    """Write samples, those of a series one after the other, into the store of a Prometheus that is to be started."""
    with (folder / "past.om").open("w") as file:
        file.writelines(lines)
        file.write("# EOF\n")
    subprocess.run(
        [need("promtool"), "tsdb", "create-blocks-from", "--max-block-duration=744h", "openmetrics",
         folder / "past.om", folder / "tsdb"], check=True, capture_output=True,
    )  # fmt: skip
