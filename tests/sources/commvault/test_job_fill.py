"""How the past is filled in: in slices, resumed, and without a number that looks whole and is not."""

from __future__ import annotations

import logging

import pytest

from exporter import fill as filling
from exporter.errors import SourceUnreachable
from exporter.model import DAY, HOUR
from exporter.sources.commvault import job_fill
from exporter.sources.commvault.jobs import fetch

from .conftest import AT, URL
from .job_server import Jobs


@pytest.fixture
def cs(requests_mock):
    return Jobs(requests_mock)


def held(memory):
    return [job.id for job in memory.jobs(0)]


def operation(history, name="data_aging"):
    [found] = [o for o in history.operations if o.operation == name]
    return found


def slice_of(client, poll, memory, *, lookback=10 * DAY):
    """One page of the fill, as if it took the whole slice."""
    fill = filling.current(memory, AT, lookback, None)
    return job_fill.go_on(fill, client, poll(), 0.0, seconds=0.0)


@pytest.fixture
def slices(monkeypatch):
    """A poll reads one page of the past."""
    monkeypatch.setattr(filling, "SLICE_SECONDS", 0.0)


def test_the_past_is_read_in_slices_beside_what_is_new(cs, client, poll, memory, slices):
    cs.most = 100
    cs.add(*range(1, 251), start=AT - 50 * DAY)
    ratios = []
    while not ratios or ratios[-1] < 1:
        cs.add(1000 + len(ratios), start=AT - 100)
        ratios.append(fetch(client(lookback="60d"), poll(at=AT + 300 * len(ratios))).fill_ratio)
        assert 1000 + len(ratios) - 1 in held(memory)
    assert ratios == sorted(ratios)
    assert 0.3 < ratios[0] < 0.5
    assert set(held(memory)) == set(cs.jobs)


def test_without_the_past_there_are_no_counts_until_they_are_whole(cs, client, poll, slices):
    cs.most = 10
    cs.add(*range(91, 101), start=AT - DAY / 2)
    cs.add(*range(81, 91), start=AT - 33 * DAY)
    cs.add(*range(71, 81), start=AT - 40 * DAY)
    histories = [fetch(client(lookback="60d"), poll()) for _ in range(4)]
    assert [h.operations == () for h in histories] == [True, True, False, False]
    assert [operation(h).finished_24h for h in histories[2:]] == [10, 10]
    assert [sum(operation(h).finished_total.values()) for h in histories[2:]] == [0, 30]
    assert [h.fill_ratio for h in histories] == [0.3, 0.6, 0.9, 1]


def test_a_list_with_the_oldest_first_gives_no_counts_before_its_end(cs, client, poll, slices):
    cs.most, cs.newest_first = 10, False
    cs.add(*range(1, 11), start=AT - 50 * DAY)
    cs.add(*range(11, 21), start=AT - DAY / 2)
    histories = [fetch(client(lookback="60d"), poll()) for _ in range(3)]
    assert [h.operations == () for h in histories[:2]] == [True, True]
    assert operation(histories[-1]).finished_24h == 10


@pytest.mark.parametrize("newest_first", [True, False])
def test_no_job_is_skipped_while_jobs_begin_and_end(cs, client, poll, memory, newest_first):
    cs.most, cs.newest_first = 50, newest_first
    cs.add(*range(1, 501))
    step = 0
    while not slice_of(client(), poll, memory).done:
        step += 1
        cs.add(*range(500 + 20 * step, 520 + 20 * step))
    assert set(range(1, 501)) <= set(held(memory))


def test_jobs_that_leave_the_list_while_it_is_read_take_none_along(cs, client, poll, memory):
    cs.most = 200
    cs.add(*range(1, 401))
    slice_of(client(), poll, memory)
    for gone in range(390, 400):
        del cs.jobs[gone]
    while not slice_of(client(), poll, memory).done:
        pass
    assert set(held(memory)) == set(range(1, 401))


def test_the_far_end_of_the_list_stays_where_it_is_however_long_it_takes(cs, client, poll, memory):
    cs.most = 50
    cs.add(*range(1, 101))
    fill = filling.current(memory, AT, 10 * DAY, None)
    fill = job_fill.go_on(fill, client(), poll(), 0.0, seconds=0.0)
    job_fill.go_on(filling.current(memory, AT + HOUR, 10 * DAY, None), client(), poll(at=AT + HOUR), 0.0, 9.0)
    first, second, *_ = [r.json()["jobFilter"]["completedJobLookupTime"] for r in cs.mock.request_history]
    assert second - first == pytest.approx(HOUR, abs=2)


def test_a_fill_that_broke_off_goes_on_where_it_was(cs, client, poll, memory):
    cs.most = 100
    cs.add(*range(1, 401))
    cs.mock.post(f"{URL}/Jobs", [{"json": cs.page(0, 0)}, {"json": cs.page(0)}, {"json": {}, "status_code": 503}])
    with pytest.raises(SourceUnreachable):
        fetch(client(), poll())
    assert len(held(memory)) == 100

    cs.mock.post(f"{URL}/Jobs", json=cs._post)
    cs.forget_requests()
    fetch(client(), poll())
    assert cs.offsets == [0, 90, 180, 270, 360]
    assert set(held(memory)) == set(cs.jobs)


def test_an_unfinished_fill_begins_anew_when_lookback_changes(cs, client, poll, memory, slices):
    cs.most = 10
    cs.add(*range(1, 101))
    fetch(client(lookback="50d"), poll())
    cs.forget_requests()
    fetch(client(lookback="5d"), poll())
    assert cs.lookups[-1] == 5 * DAY
    assert cs.offsets[-1] == 0


def test_progress_is_said_every_few_seconds_and_at_the_end(cs, client, poll, monkeypatch, caplog):
    monkeypatch.setattr(filling, "_SAY_EVERY_SECONDS", 0.0)
    cs.most = 1000
    cs.add(*range(1, 1501))
    with caplog.at_level(logging.INFO, "exporter.fill"):
        fetch(client(), poll())
    assert [record.getMessage() for record in caplog.records] == [
        "cs01.example.com: jobs: 990 of about 1,500 read",
        "cs01.example.com: jobs: 1,500 of about 1,500 read",
        "cs01.example.com: jobs: all read, 1,500 of them",
    ]
