"""The newest finished run of every job."""

from __future__ import annotations

import pytest

from exporter.errors import SourceUnreachable
from exporter.model import HOUR
from exporter.sources.veeam.session_parse import parse
from exporter.sources.veeam.session_runs import Runs

from .session_server import API, JOB, VbrSessions, session_id

AT = 1772442000.0
SIZES = {"processedSize": 30, "readSize": 20, "transferredSize": 10}


@pytest.fixture
def vbr(requests_mock, payload):
    return VbrSessions(requests_mock, payload)


@pytest.fixture
def runs(vbr, memory):
    def runs():
        """As after a restart: with what is remembered, and with all sessions that the server has."""
        found = Runs(vbr.states, memory)
        found.note(parse(vbr.rows.values(), zone=None))
        return {run.job_id: run for run in found.all()}

    return runs


def test_the_newest_run_counts_in_any_order(vbr, runs):
    vbr.add(2, end=AT, result="Failed")
    vbr.add(1, end=AT - HOUR, took=60)
    run = runs()[JOB]
    assert (run.result, run.ended_at, run.duration_seconds) == ("failed", AT, 600)
    assert run.last_success_at == AT - HOUR


def test_a_run_survives_a_running_session_a_restart_and_the_look_back(vbr, runs):
    vbr.add(1, end=AT, result="Warning")
    before = runs()
    vbr.rows.clear()
    vbr.run(2, AT + HOUR)
    assert runs() == before
    assert before[JOB].last_success_at == AT


def test_a_failure_keeps_the_success_before_it(vbr, runs):
    vbr.add(1, end=AT)
    runs()
    vbr.rows.clear()
    vbr.add(2, end=AT + HOUR, result="Failed")
    assert (runs()[JOB].result, runs()[JOB].last_success_at) == ("failed", AT)


def test_what_is_known_already_is_not_written_again(vbr, runs, memory):
    vbr.add(1, end=AT)
    before = runs()
    memory.put = None
    assert runs() == before


def test_what_is_done_in_the_name_of_a_job_is_no_run_of_it(vbr, runs):
    vbr.add(1, end=AT)
    vbr.add(2, end=AT + HOUR, sessionType="Retention", result="Failed")
    vbr.add(3, end=AT + HOUR, sessionType="DeleteBackup", result="Failed")
    vbr.add(4, end=AT + HOUR, result="None")
    assert runs()[JOB].result == "success"


def test_sessions_of_jobs_that_are_not_listed_are_not_remembered(vbr, runs, memory):
    vbr.add(1, end=AT, jobId="22222222-0000-0000-0000-000000000099")
    assert runs() == {}
    assert memory.values == {}


def test_in_12_0_the_state_names_the_session_where_the_session_names_an_activity(vbr, runs):
    vbr.add(1, end=AT, jobId=None, activityId="88888888-0000-0000-0000-000000000001")
    assert runs() == {}
    vbr.states[0]["sessionId"] = session_id(1).upper()
    assert runs()[JOB].ended_at == AT


def test_bytes_come_from_the_session_where_it_tells(vbr, runs):
    vbr.add(1, end=AT, progress=SIZES)
    run = runs()[JOB]
    assert (run.processed_bytes, run.read_bytes, run.transferred_bytes) == (30, 20, 10)


def test_bytes_come_from_the_state_of_the_job_where_its_last_session_is_the_run(vbr, runs):
    vbr.states[0] |= {"sessionId": session_id(1), "sessionProgress": SIZES}
    vbr.add(1, end=AT)
    assert runs()[JOB].transferred_bytes == 10


def test_bytes_of_a_session_that_runs_are_not_those_of_the_run_before(vbr, runs):
    vbr.states[0] |= {"sessionId": session_id(2), "sessionProgress": SIZES}
    vbr.add(1, end=AT)
    vbr.run(2, AT + HOUR)
    assert runs()[JOB].transferred_bytes is None


def test_bytes_that_are_told_later_are_added(vbr, runs):
    vbr.add(1, end=AT)
    assert runs()[JOB].read_bytes is None
    vbr.states[0] |= {"sessionId": session_id(1), "sessionProgress": SIZES}
    assert runs()[JOB].read_bytes == 20
    vbr.states[0].pop("sessionProgress")
    assert runs()[JOB].read_bytes == 20


@pytest.fixture
def ask(vbr, client, memory, payload):
    """Asks for tasks as one poll does, and gives the runs."""

    def ask(revision="1.2-rev1"):
        found = Runs(vbr.states, memory)
        found.note(parse(vbr.rows.values(), zone=None))
        found.ask_tasks(client(api_revision=revision))
        return {run.job_id: run for run in found.all()}

    vbr.mock.get(f"{API}/sessions/{session_id(1)}/taskSessions", json=payload("veeam-1.2/taskSessions"))
    return ask


def test_a_12_3_is_asked_for_the_tasks_of_a_run_and_only_once(vbr, ask):
    vbr.add(1, end=AT)
    run = ask()[JOB]
    assert (run.processed_bytes, run.read_bytes, run.transferred_bytes) == (20 * 1024**3, 891289600, 354695419)
    vbr.forget_requests()
    assert ask()[JOB] == run
    assert vbr.calls == []


@pytest.mark.parametrize("revision", ["1.1-rev0", "1.3-rev0", "1.3-rev2"])
def test_no_other_revision_is_asked_for_tasks(vbr, ask, revision):
    vbr.add(1, end=AT)
    assert ask(revision)[JOB].read_bytes is None
    assert vbr.calls == []


def test_tasks_of_a_session_that_was_deleted_tell_nothing(vbr, ask):
    vbr.add(1, end=AT)
    vbr.mock.get(f"{API}/sessions/{session_id(1)}/taskSessions", status_code=404, json={"errorCode": "NotFound"})
    assert ask()[JOB].read_bytes is None
    vbr.forget_requests()
    ask()
    assert vbr.calls == []


def test_tasks_that_cannot_be_read_now_are_asked_for_again(vbr, ask, payload):
    vbr.add(1, end=AT)
    tasks = f"{API}/sessions/{session_id(1)}/taskSessions"
    vbr.mock.get(tasks, status_code=500)
    with pytest.raises(SourceUnreachable):
        ask()
    vbr.mock.get(tasks, json=payload("veeam-1.2/taskSessions"))
    assert ask()[JOB].read_bytes == 891289600


def test_few_are_asked_for_at_each_poll_the_longest_waiting_first(vbr, ask, payload):
    jobs = [f"22222222-0000-0000-0000-0000000001{n:02}" for n in range(25)]
    vbr.states = [{"id": job, "name": job} for job in jobs]
    for number, job in enumerate(jobs, 1):
        vbr.add(number, end=AT + number, jobId=job)
        vbr.mock.get(f"{API}/sessions/{session_id(number)}/taskSessions", json=payload("veeam-1.2/taskSessions"))
    known = []
    for _ in range(3):
        vbr.forget_requests()
        known.append({job for job, run in ask().items() if run.read_bytes})
        assert len([path for path in vbr.calls if path.endswith("tasksessions")]) <= 5
    assert [len(found) for found in known] == [5, 10, 15]
    assert known[0] == set(jobs[:5])
