"""What is asked of the sessions, what is counted, and what is filled in."""

from __future__ import annotations

import logging

import pytest

from exporter import fill as filling
from exporter.errors import SourceUnreachable
from exporter.history.ledger import Ledger
from exporter.model import DAY, HOUR, MINUTE, SESSION_TYPES, Poll
from exporter.sources.veeam import sessions
from exporter.sources.veeam.sessions import fetch, pretend_filled

from .session_server import API, VbrSessions, told

AT = 1772442000.0


@pytest.fixture
def memory():
    ledger = Ledger("sqlite://")
    yield ledger.state("vbr01")
    ledger.close()


@pytest.fixture
def vbr(requests_mock, payload):
    return VbrSessions(requests_mock, payload)


@pytest.fixture
def poll(client, memory):
    """Polls at a moment; one client for all, as settings say the first time."""
    made = []

    def poll(at=AT, **settings):
        made.extend([] if made else [client(**settings)])
        return fetch(made[0], Poll(at, None, memory))

    return poll


@pytest.fixture
def slices(monkeypatch):
    """A poll reads one page of the past."""
    monkeypatch.setattr(filling, "SLICE_SECONDS", 0.0)


def held(memory):
    return [job.client for job in memory.jobs(0)]


def kind(history, name="backup"):
    [found] = [one for one in history.types if one.operation == name]
    return found


def test_the_first_poll_reads_the_look_back(vbr, poll, memory):
    vbr.add(1, 2, end=AT - 31 * DAY)
    vbr.add(3, end=AT - 33 * DAY)
    vbr.add(4, end=AT - HOUR, result="Failed")
    history = poll()
    assert len(held(memory)) == 3
    assert (kind(history).finished_24h, kind(history).failed_24h, kind(history).finished_30d) == (1, 1, 1)
    assert kind(history).finished_total == {"success": 2, "partial": 0, "failed": 1, "killed": 0, "other": 0}
    assert history.fill_ratio == 1
    assert vbr.asked[-1]["endedafterfilter"] == told(AT - 32 * DAY)[:19].lower() + "z"


def test_every_type_is_there_from_the_start_with_zeros(vbr, poll):
    assert tuple(found.operation for found in poll().types) == SESSION_TYPES


@pytest.mark.parametrize(
    ("revision", "absent"),
    [
        ("1.2-rev1", {"backup_copy", "agent_backup", "log_backup", "retention"}),
        ("1.1-rev0", {"backup_copy", "agent_backup", "log_backup", "retention", "replica", "file_backup",
                      "delete_backup"}),
    ],
)  # fmt: skip
def test_what_an_older_server_does_not_list_is_absent_and_not_zero(vbr, poll, revision, absent):
    assert set(SESSION_TYPES) - {found.operation for found in poll(api_revision=revision).types} == absent


def test_a_server_that_ignores_the_state_does_not_make_everything_run(vbr, poll):
    vbr.add(1, end=AT - 60)
    vbr.run(2, AT - 30)
    vbr.mock.get(f"{API}/sessions", json={"data": list(vbr.rows.values()), "pagination": {"total": 2}})
    assert kind(poll()).running == 1


def test_a_later_poll_asks_only_for_what_ended_since_and_for_what_runs(vbr, poll):
    vbr.add(*range(400), end=AT - 2000)
    poll()
    vbr.forget_requests()
    vbr.add(2000, end=AT + 100)
    vbr.run(2001, AT + 200)
    history = poll(AT + 300)
    assert vbr.calls == [f"{API}/jobs/states", f"{API}/sessions", f"{API}/sessions"]
    ended, running = vbr.asked
    assert ended["endedafterfilter"] == told(AT - 1601 - 15 * MINUTE)[:19].lower() + "z"
    assert (ended["ordercolumn"], ended["orderasc"]) == ("endtime", "false")
    assert running["statefilter"] == "working"
    assert (kind(history).running, sum(kind(history).finished_total.values())) == (1, 401)


def test_what_is_told_twice_counts_once(vbr, poll):
    vbr.add(1, end=AT - 60)
    poll()
    assert kind(poll(AT + 300)).finished_total["success"] == 1


def test_a_restart_counts_nothing_anew(vbr, client, memory):
    vbr.add(*range(20), end=AT - HOUR)
    before = fetch(client(), Poll(AT, None, memory))
    vbr.add(30, end=AT + 60)
    after = fetch(client(), Poll(AT + 300, None, memory))
    assert kind(after).finished_total["success"] == kind(before).finished_total["success"] + 1 == 21


def test_a_server_whose_clock_is_behind_loses_no_session(vbr, poll):
    vbr.add(1, end=AT - 2 * HOUR)
    poll()
    for step in range(1, 4):
        vbr.add(1 + step, end=AT - 2 * HOUR + 300 * step)
        assert kind(poll(AT + 300 * step)).finished_total["success"] == 1 + step


def test_a_server_whose_clock_is_ahead_loses_no_session(vbr, poll):
    vbr.add(1, end=AT + 2 * HOUR)
    poll()
    vbr.add(2, end=AT + 2 * HOUR - 60)
    assert kind(poll(AT + 300)).finished_total["success"] == 2


def test_the_past_is_read_in_slices_beside_what_is_new(vbr, poll, memory, slices):
    vbr.most = 100
    vbr.add(*range(250), end=AT - 20 * DAY)
    ratios = []
    while not ratios or ratios[-1] < 1:
        vbr.add(1000 + len(ratios), end=AT + 300 * len(ratios) - 10, name=f"new {len(ratios)}")
        ratios.append(poll(AT + 300 * len(ratios)).fill_ratio)
        assert f"new {len(ratios) - 1}" in held(memory)
    assert ratios == sorted(ratios)
    assert 0.3 < ratios[0] < 0.5
    assert len(held(memory)) == len(vbr.rows)


def test_without_the_past_there_are_no_counts_until_they_are_whole(vbr, poll, slices):
    vbr.most = 10
    vbr.add(*range(10), end=AT - HOUR)
    vbr.add(*range(10, 20), end=AT - 33 * DAY)
    vbr.add(*range(20, 30), end=AT - 40 * DAY)
    histories = [poll(lookback="60d") for _ in range(3)]
    assert [history.types == () for history in histories] == [True, False, False]
    assert [kind(history).finished_30d for history in histories[1:]] == [10, 10]
    assert [sum(kind(history).finished_total.values()) for history in histories[1:]] == [0, 30]


def test_a_list_in_another_order_gives_no_counts_before_its_end(vbr, poll, slices):
    vbr.most, vbr.newest_first = 10, False
    vbr.add(*range(10), end=AT - 50 * DAY)
    vbr.add(*range(10, 20), end=AT - HOUR)
    histories = [poll(lookback="60d") for _ in range(2)]
    assert [history.types == () for history in histories] == [True, False]
    assert kind(histories[1]).finished_24h == 10


def test_a_fill_that_broke_off_goes_on_where_it_was(vbr, client, poll, memory):
    vbr.most = 100
    vbr.add(*range(400), end=AT - DAY)
    page = vbr._sessions

    def breaks(request, context):
        if int(request.qs["skip"][0]) >= 200:
            context.status_code = 500
        return page(request, context)

    vbr.mock.get(f"{API}/sessions", json=breaks)
    with pytest.raises(SourceUnreachable):
        poll()
    assert len(held(memory)) == 200
    vbr.mock.get(f"{API}/sessions", json=page)
    vbr.forget_requests()
    fetch(client(), Poll(AT + 60, None, memory))
    look_back = min(asked["endedafterfilter"] for asked in vbr.asked if "endedafterfilter" in asked)
    assert [asked["skip"] for asked in vbr.asked if asked.get("endedafterfilter") == look_back] == ["200", "300"]
    assert len(held(memory)) == 400


@pytest.mark.parametrize("pagination", [{}, {"total": 307}])
def test_a_server_that_ignores_skip_is_not_asked_for_ever(vbr, poll, caplog, pagination):
    vbr.add(*range(3), end=AT - DAY)
    vbr.mock.get(f"{API}/sessions", json={"data": list(vbr.rows.values()), "pagination": pagination})
    assert kind(poll()).finished_total["success"] == 3
    assert "GET /api/v1/sessions repeats a page" in caplog.text


def test_a_long_gap_is_filled_like_the_past(vbr, poll, memory, slices):
    vbr.most = 50
    vbr.add(1, end=AT - HOUR)
    poll()
    vbr.add(*range(100, 220), end=AT + HOUR)
    vbr.add(300, end=AT + 5 * DAY - 60, name="new")
    first = poll(AT + 5 * DAY)
    assert first.fill_ratio < 1
    assert "new" in held(memory)
    while poll(AT + 5 * DAY).fill_ratio < 1:
        pass
    assert len(held(memory)) == 122


def test_progress_is_said(vbr, poll, monkeypatch, caplog):
    monkeypatch.setattr(filling, "_SAY_EVERY_SECONDS", 0.0)
    vbr.add(*range(1500), end=AT - DAY)
    with caplog.at_level(logging.INFO, "exporter.fill"):
        poll()
    assert [record.getMessage() for record in caplog.records] == [
        "vbr01.example.com:9419: sessions: 500 of about 1,500 read",
        "vbr01.example.com:9419: sessions: 1,000 of about 1,500 read",
        "vbr01.example.com:9419: sessions: 1,500 of about 1,500 read",
        "vbr01.example.com:9419: sessions: all read, 1,500 of them",
    ]


def test_a_check_reads_one_page_and_not_the_past(vbr, client, memory):
    vbr.add(*range(1500), end=AT - DAY)
    one, poll = client(), Poll(AT, None, memory)
    pretend_filled(one, poll)
    assert fetch(one, poll).fill_ratio == 1
    assert len(vbr.asked) == 2


def test_sessions_are_forgotten_after_a_hundred_days_and_stay_counted(vbr, poll, memory):
    vbr.add(1, end=AT - DAY)
    poll()
    vbr.rows.clear()
    for days in range(1, 103, 3):
        history = poll(AT + days * DAY)
    assert held(memory) == []
    assert kind(history).finished_total["success"] == 1


def test_a_page_without_sessions_ends_the_fill(vbr, poll):
    assert poll().fill_ratio == 1


def test_page_size_is_that_of_all_lists():
    assert sessions.PAGE == 500
