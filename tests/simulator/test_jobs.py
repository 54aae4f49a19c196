"""The job history that is computed and not stored."""

import tracemalloc

import pytest

from exporter.simulator.history import ACTIVE, FAILED, FINISHED, JobQuery
from exporter.simulator.retention import FULL_WEIGHT
from exporter.simulator.sizes import DAY, HOUR

from .lives import MIDNIGHT, NIGHT, live, make


def page(estate, query, offset=0, limit=100_000):
    return estate.jobs.page(query, estate.time, offset, limit)[1]


@pytest.fixture(scope="module")
def night():
    """An estate at night, not to be changed, and all its jobs."""
    estate = make(at=NIGHT)
    return estate, estate.jobs.page(JobQuery(), estate.time, 0, 100_000)[1]


def test_every_job_is_on_one_page():
    estate = make(at=NIGHT)
    total, jobs = estate.jobs.page(JobQuery(), estate.time, 0, 100_000)
    paged = [job for offset in range(0, total, 97) for job in page(estate, JobQuery(), offset, 97)]
    assert total == len(jobs) > 10_000
    assert paged == jobs
    ids = [job.id for job in jobs]
    assert ids == list(range(ids[0], ids[-1] - 1, -1))
    starts = [job.start for job in jobs]
    assert starts == sorted(starts, reverse=True)


@pytest.mark.parametrize("lookup", [600, 5 * HOUR, 2.4 * DAY, 30 * DAY])
@pytest.mark.parametrize("category", [ACTIVE, FINISHED])
@pytest.mark.parametrize("admin", [True, False])
@pytest.mark.parametrize("statuses", [(), FAILED])
def test_a_query_finds_what_a_look_at_every_job_finds(night, lookup, category, admin, statuses):
    estate, every = night
    now = estate.time
    wanted = [
        job.id
        for job in every
        if (job.end is None) == (category == ACTIVE)
        and (job.end is None or job.end >= now - lookup)
        and (admin or job.type in ("Backup", "Synthetic Full"))
        and (not statuses or job.status in statuses)
    ]
    query = JobQuery(lookup, category, admin, frozenset(statuses))
    assert [job.id for job in page(estate, query)] == wanted


def test_a_job_is_found_by_its_number_once_it_has_begun():
    estate = make(at=NIGHT)
    newest = page(estate, JobQuery(), 0, 1)[0]
    assert estate.jobs.find(newest.id, estate.time) == newest
    assert estate.jobs.find(newest.id + 1, estate.time) is None
    assert estate.jobs.find(1, estate.time) is None
    list(live(estate, 1))
    assert estate.jobs.find(newest.id + 1, estate.time) is not None


def test_a_running_job_ends():
    estate = make(at=NIGHT)
    running = page(estate, JobQuery(category=ACTIVE))
    assert running
    assert {(job.status, job.end) for job in running} == {("Running", None)}
    list(live(estate, 1))
    assert not {job.id for job in running} & {job.id for job in page(estate, JobQuery(category=ACTIVE))}


def test_a_week_has_one_full_per_client_and_dailies():
    estate = make(at=MIDNIGHT + 12 * HOUR)
    jobs = page(estate, JobQuery(7 * DAY, admin=False, clients=frozenset({5001})))
    first = [job for job in jobs if job.subclient == "default"]
    assert [job.level for job in first].count("Incremental") == 6
    assert len(first) == 7


def test_jobs_write_what_their_plan_writes():
    estate = make(at=MIDNIGHT + 12 * HOUR)
    jobs = page(estate, JobQuery(28 * DAY, admin=False))
    written = sum(job.media_bytes for job in jobs)
    planned = sum(
        estate.copies[plan.copies[0].id].unit * (FULL_WEIGHT + plan.full_every - 1) * 28 / plan.full_every
        for plan in estate.landscape.plans
        if plan.copies
    )
    assert written == pytest.approx(planned, rel=0.2)


def test_a_million_jobs_are_not_kept_in_memory():
    tracemalloc.start()
    estate = make("documents", at=NIGHT)
    total, jobs = estate.jobs.page(JobQuery(), estate.time, 700_000, 200)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total > 1_000_000
    assert len(jobs) == 200
    assert peak < 12 * 1024**2
