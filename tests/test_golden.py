"""The whole page of each source, from payloads. `pytest --update-golden` rewrites it: the diff is what users see."""

from __future__ import annotations

import errno
import json
import os
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import requests_mock

from exporter.config import parse
from exporter.sources import KINDS
from exporter.sources.filesystem.client import FilesystemClient
from exporter.sources.filesystem.config import FilesystemSettings
from exporter.sources.filesystem.source import Filesystem
from tests.conftest import House

HERE = Path(__file__).parent
AT = datetime.fromisoformat("2026-03-14T16:00:00+00:00").timestamp()

# Which payload answers what: a pattern of "METHOD path" to a file of the product's folder.
ANSWERS = {
    "commvault-11.36": [
        (r"POST .*/Login", "login"),
        (r"GET .*/StoragePool", "storagepool"),
        (r"GET .*/V4/Storage/(\w+)", "v4_storage_{}"),
        (r"GET .*/V4/Storage/(\w+)/(\d+)", "v4_storage_{}_{}"),
        (r"POST .*/Qcommand/qoperation%20execute", "ddb_engines"),
        (r"GET .*/DDBInformation/(\d+)", "ddbinformation_{}"),
        (r"GET .*/V4/mediaAgent", "v4_mediaagent"),
        (r"GET .*/Library", "library"),
        (r"GET .*/Library/(\d+)", "library_{}"),
        (r"GET .*/CommServ", "commserv"),
        (r"GET .*/V4/License", "v4_license"),
        (r"GET .*/Plan", "plan"),
        (r"GET .*/V4/Plan/Summary", "v4_plan_summary"),
        (r"GET .*/V4/ServerPlan/(\d+)/RPO", "v4_serverplan_rpo"),
        (r"GET .*/V4/Plan/BackupDestination/(\d+)/Jobs", "v4_backupdestination_{}_jobs"),
        (r"GET .*/OperationWindow/OpWindowList", "opwindowlist"),
        (r"POST .*/Jobs", "jobs"),
        (r"GET .*/cr/reportsplusengine/datasets/(\w+)/data", "{}"),
        (r"GET .*/V4/TriggeredAlerts", "v4_triggeredalerts"),
        (r"GET .*/Events", "events"),
    ],
}
_VEEAM = [
    (r"POST /api/oauth2/token", "token"),
    (r"GET /api/v1/(\w+)", "{}"),
    (r"GET /api/v1/backupInfrastructure/(repositories|proxies)/states", "{}_states"),
    (r"GET /api/v1/backupInfrastructure/(\w+)", "{}"),
    (r"GET /api/v1/jobs/states", "jobs_states"),
    (r"GET /api/v1/backups/[^/]+/backupFiles", "backupFiles"),
    (r"GET /api/v1/sessions/33333333-0000-0000-0000-000000000010/taskSessions", "taskSessions"),
    (r"GET /api/v1/malwareDetection/events", "malwareEvents"),
    (r"GET /api/v1/securityAnalyzer/bestPractices", "bestPractices"),
]
ANSWERS |= dict.fromkeys(("veeam-1.1", "veeam-1.2", "veeam-1.3-rev1", "veeam-1.3"), _VEEAM)
# Where the payloads of a product lie, when not in the folder of its name: what a revision did not change is there once.
FOLDERS = {"veeam-1.3-rev1": ("veeam-1.3",), "veeam-1.3": ("veeam-1.3-rev2", "veeam-1.3")}
BASES = {"commvault": "https://cs01.example.com/webconsole/api", "veeam": "https://vbr01.example.com:9419"}
OPTIONS = {"commvault": "retained_jobs: true, ", "veeam": "role: backup_administrator, "}


def exposition(house: House, product: str, monkeypatch: pytest.MonkeyPatch) -> str:
    kind = product.partition("-")[0]
    monkeypatch.setenv("EBBTIDE_TEST_PASSWORD", "x")
    config = parse(
        f"sources: [{{name: src, kind: {kind}, url: '{BASES[kind]}', username: svc-ebbtide, "
        f"{OPTIONS[kind]}password: {{env: EBBTIDE_TEST_PASSWORD}}}}]"
    )

    def answer(request: Any, context: Any) -> Any:
        asked = f"{request.method} {request.path_url.partition('?')[0]}"
        for pattern, name in ANSWERS[product]:
            if found := re.fullmatch(pattern, asked, re.IGNORECASE):
                payload = name.format(*found.groups()) if "{}" in name else name
                for folder in FOLDERS.get(product, (product,)):
                    files = (HERE / "payloads" / folder).glob("*.json")
                    if path := next((file for file in files if file.stem.lower() == payload.lower()), None):
                        return json.loads(path.read_text(encoding="utf-8"))
        context.status_code = 404
        return {}

    watch = house.watch(KINDS[kind](config.sources[0], house.telemetry))
    with requests_mock.Mocker() as mocker:
        mocker.register_uri(requests_mock.ANY, requests_mock.ANY, json=answer)
        for collector in watch.collectors:
            assert watch.poll(collector, AT).success is not False, watch.poll(collector, AT).error
        watch.source.close()
    return page_of(house)


def page_of(house: House) -> str:
    """The page without what differs from run to run."""
    return re.sub(r"(?m)^(ebbtide_collector_duration_seconds\{.*\}) .*$", r"\1 0", house.page(AT))


def check(name: str, page: str, update: bool) -> None:
    golden = HERE / "golden" / f"{name}.prom"
    if update:
        golden.write_text(page, encoding="utf-8")
    assert page == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("product", ANSWERS)
def test_the_page_of_a_backup_system(
    house: House, product: str, monkeypatch: pytest.MonkeyPatch, update_golden: bool
) -> None:
    check(product, exposition(house, product, monkeypatch), update_golden)


def test_the_page_of_a_servers_filesystems(house: House, update_golden: bool) -> None:
    def statvfs(path: bytes) -> os.statvfs_result:
        if path == b"/mnt/nas":
            raise OSError(errno.ESTALE, "Stale file handle")
        blocks = {b"/": 5_000_000, b"/archive": 200_000_000}.get(path, 90_000_000)
        inodes = 0 if path.startswith(b"/srv") else 1_000_000
        return os.statvfs_result(
            (4096, 4096, blocks, blocks // 4, blocks // 5, inodes, inodes // 2, inodes // 2, 0, 255)
        )

    settings = FilesystemSettings(kind="filesystem", name="fs01")
    source = Filesystem(settings, house.telemetry)
    source.host = "fs01.example.com"
    source.client = FilesystemClient(settings, statvfs, HERE / "payloads/linux-6.1/mountinfo")
    watch = house.watch(source)
    for collector in watch.collectors:
        assert watch.poll(collector, AT).success
    check("linux-6.1", page_of(house), update_golden)
