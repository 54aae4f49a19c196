"""Every collector against mock servers made from the vendor's own documents, one for each revision."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from exporter.errors import NotOffered, SourceGarbled, SourceRefused
from exporter.history.ledger import Ledger
from exporter.model import Poll
from exporter.sources.veeam import COLLECTORS, FOR_ADMINISTRATORS, MALWARE_EVENTS, Veeam
from exporter.sources.veeam.backup_jobs import JOBS, definitions
from exporter.telemetry import Telemetry
from tests.sources.veeam.vendor import REVISIONS, vendor_mocks

pytestmark = pytest.mark.server

AT = 1772442000.0
COLLECTED = [collector.name for collector in (*COLLECTORS, MALWARE_EVENTS, *FOR_ADMINISTRATORS)]
# By collector and revision: from which one on there is such a thing.
LATER = {
    ("malware_events", "1.1-rev0"): "exists from VBR 12.1 (REST 1.1-rev1) on; this server speaks 1.1-rev0",
    ("license", "1.1-rev0"): "exists from VBR 12.3 (REST 1.2-rev0) on; this server speaks 1.1-rev0",
    ("best_practices", "1.1-rev0"): "exists from VBR 12.3 (REST 1.2-rev0) on; this server speaks 1.1-rev0",
}
FIRST = "1.1-rev0"


def _backup(chain: Any, revision: str) -> bool:
    if revision == FIRST:
        return chain.restore_points > 0 and chain.files is None
    return chain.files > 0 and 0 < chain.stored_bytes < chain.deduplicated_bytes < chain.data_bytes


# By collector: whether what came is what the document has an example of, in a revision.
CAME: dict[str, Callable[[Any, str], bool]] = {
    "pools": lambda pools, revision: (
        any(p.free_bytes < p.capacity_bytes for p in pools if p.capacity_bytes)
        and {p.status for p in pools} <= ({"unknown"} if revision == FIRST else {"online", "offline"})
    ),
    "backup_jobs": lambda jobs, _: any(j.last_run_at and j.enabled and j.repository for j in jobs),
    "sessions": lambda history, _: sum(t.finished_total["failed"] for t in history.types) == 1,
    "repositories": lambda found, _: all(r.used_bytes > 0 for r in found) and any(found),
    "backups": lambda found, revision: any(found) and all(_backup(chain, revision) for chain in found),
    "veeam_server": lambda server, revision: server.name and server.api_revision == revision,
    "backup_objects": lambda objects, _: objects.total > 1 and objects.unprotected == 0,
    "proxies": lambda found, revision: any(found) and all(p.online is not None for p in found) == (revision > "1.3"),
    "managed_servers": lambda found, _: len(found) > 1 and all(s.name and s.server_type for s in found),
    "malware_events": lambda events, revision: sum(events.total.values()) == (revision == "1.3-rev2"),
    "license": lambda licence, _: licence.status == "valid" and licence.expires_at and licence.used["instances"] > 0,
    "configuration_backup": lambda backup, _: backup.enabled and backup.last_success_at,
    "best_practices": lambda found, _: sum(found.by_status.values()) > 0,
}


@pytest.fixture(scope="module")
def mocks(tmp_path_factory) -> Iterator[dict[str, str]]:
    with vendor_mocks(tmp_path_factory.mktemp("mocks")) as urls:
        yield urls


@pytest.fixture
def source(mocks, settings):
    """Makes sources that read the mock of a revision."""

    def make(revision: str, **changed: Any) -> Veeam:
        told = {"url": mocks[revision], "api_revision": revision, "role": "backup_administrator"}
        return Veeam(settings(**(told | changed)), Telemetry())

    return make


def answer(source: Veeam, name: str) -> Any:
    [collector] = [one for one in source.collectors if one.name == name]
    poll = Poll(AT, AT - 300, Ledger("sqlite://").state("vbr01"))
    # The past is read page by page, and all pages of a mock are the same.
    if collector.before_check:
        collector.before_check(source.client, poll)
    try:
        return collector.fetch(source.client, poll)
    finally:
        source.close()


@pytest.mark.parametrize("revision", REVISIONS)
@pytest.mark.parametrize("collector", COLLECTED)
def test_a_collector_reads_what_the_document_says(source, collector, revision):
    if later := LATER.get((collector, revision)):
        with pytest.raises(NotOffered, match=re.escape(later)):
            answer(source(revision), collector)
        return
    came = answer(source(revision), collector)
    assert CAME[collector](came, revision), came


@pytest.mark.parametrize("revision", REVISIONS)
def test_jobs_tell_how_long_they_keep_their_backups(source, revision):
    one = source(revision)
    told = definitions(one.client.pages(JOBS))
    one.close()
    assert any(job.retention.points or job.retention.seconds for job in told.values())


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_login_is_spelled_as_the_document_wants_it(source, revision):
    one = source(revision)
    assert one.client.get("/api/v1/serverTime").status == 200
    assert one.client.http.login.headers()["Authorization"].startswith("Bearer ")
    one.close()


@pytest.mark.parametrize("revision", REVISIONS)
def test_the_mock_refuses_what_the_document_does_not_have(source, revision):
    one = source(revision)
    with pytest.raises(SourceGarbled, match="GET /api/v1/sessions: unexpected status"):
        one.client.get("/api/v1/sessions", params={"orderColumn": "Weather"})
    with pytest.raises(SourceGarbled, match="GET /api/v1/weather: unexpected status 404"):
        one.client.get("/api/v1/weather")
    one.close()


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_refusal_names_what_was_asked_for(source, revision):
    one = source(revision)
    with pytest.raises(
        SourceRefused, match=r"^GET /api/v1/backups: refused \(403\): the account lacks the permission$"
    ):
        one.client.http.get("/api/v1/backups", headers={"x-api-version": revision, "Prefer": "code=403"})
    one.close()
