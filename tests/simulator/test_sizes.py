"""The size of the documents: a million jobs, of which only those on the page are made."""

import tracemalloc

import pytest

from exporter.simulator import SIZES, Clock, CommServe, Estate
from exporter.simulator.sizes import DAY, MIB

from .commserve_client import PASSWORD, Client
from .lives import NIGHT

DOCUMENTS = SIZES["documents"]


@pytest.fixture(scope="module")
def big():
    """A client of the big CommServe, which stands still and is not to be changed."""
    clock = Clock(NIGHT, rate=0)
    return Client(CommServe(Estate("documents", clock), clock, password=PASSWORD))


def ids(page):
    return [job["jobSummary"]["jobId"] for job in page.get("jobs", [])]


def test_it_is_as_big_as_the_documents_say(big):
    assert (DOCUMENTS.plans, DOCUMENTS.pools, DOCUMENTS.agents) == (200, 75, 243)
    plans = big.get("Plan")["plans"]
    assert len(plans) == 200
    assert len(big.get("StoragePool")["storagePoolList"]) == 75
    for path, key in (
        ("MediaAgent", "response"),
        ("V2/MediaAgents", "mediaAgentList"),
        ("V4/mediaAgent", "mediaAgents"),
    ):
        assert len(big.get(path)[key]) == 243
    copies = [copy for plan in plans for copy in plan.get("storage", {}).get("copy", [])]
    assert len({copy["StoragePolicyCopy"]["copyId"] for copy in copies}) == DOCUMENTS.rules == 500
    assert all("retainBackupDataForCycles" in copy["retentionRules"] for copy in copies)


def test_a_page_deep_down_has_the_jobs_that_belong_there(big):
    first = big.jobs(0, 1, hideAdminJobs=False)
    total, [newest] = first["totalRecordsWithoutPaging"], ids(first)
    assert total >= 1_000_000
    for offset in (1, 123_456, 777_777, total - 100):
        page = big.jobs(offset, 100, hideAdminJobs=False)
        assert page["totalRecordsWithoutPaging"] == total
        assert ids(page) == list(range(newest - offset, newest - offset - 100, -1))
    assert len(ids(big.jobs(total - 3, 100, hideAdminJobs=False))) == 3
    assert "jobs" not in big.jobs(total, 100, hideAdminJobs=False)


def test_a_page_deep_down_of_backups_only_follows_the_page_before(big):
    whole = ids(big.jobs(600_000, 300))
    assert ids(big.jobs(600_100, 100)) == whole[100:200]
    assert ids(big.get("Job", offset="600100", limit="100")) == whole[100:200]


def test_a_page_costs_what_it_shows_and_not_what_there_is(big):
    tracemalloc.start()
    page = big.jobs(900_000, 200, hideAdminJobs=False)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(page["jobs"]) == 200
    assert peak < 4 * MIB


def test_what_is_filtered_is_remembered_by_number_only(big):
    tracemalloc.start()
    page = big.jobs(20, 50, completedJobLookupTime=DAY, statusList=["Failed"])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert {job["jobSummary"]["status"] for job in page["jobs"]} == {"Failed"}
    assert 70 < page["totalRecordsWithoutPaging"] < 2_000
    assert peak < 4 * MIB
