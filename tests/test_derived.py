"""What is computed beside the polls: the efficiency of Veeam jobs, from the first sessions on; what is unusual."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.findings.veeam_efficiency import remembered_jobs
from exporter.model import (
    DAY,
    GIBIBYTE,
    HOUR,
    BackupJob,
    Grading,
    Job,
    JobHistory,
    Pool,
    ReductionFeed,
    SessionHistory,
    SessionReduction,
)
from exporter.watch import Watch
from tests.conftest import House, fake_source
from tests.inventories import AT
from tests.watching import success


def vbr(house: House, answers: dict[str, Any], grading: Grading | None) -> Watch:
    source = fake_source(answers, name="vbr01", kind="veeam", efficiency=grading)
    return house.watch(source)


def sessions(count: int, job: str = "Job") -> list[SessionReduction]:
    """Oldest first; the last shrank to half of what is usual."""
    return [
        SessionReduction(
            session_id=f"{job}-{n}", job_id=job, job=job, repository="Repo", at=AT - (count - n) * DAY,
            data_bytes=900.0 * GIBIBYTE, stored_bytes=900.0 * GIBIBYTE / (2 * dedup), dedup_ratio=dedup,
            compression_ratio=2.0,
        )
        for n in range(count)
        for dedup in (1.0 if n == count - 1 else 2.0,)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("feed", "answer"),
    [("backups", ()), ("drop_file", ReductionFeed(sessions=0)), ("enterprise_manager", ReductionFeed(sessions=0))],
)
def test_jobs_are_graded_as_soon_as_a_feed_has_told_of_sessions(house: House, feed: str, answer: object) -> None:
    watch = vbr(house, {feed: answer}, Grading())
    watch.poll(feed, AT)
    assert "ebbtide_veeam_job_efficiency_sessions{" not in house.page(AT)
    house.ledger.state("vbr01").add_reductions(sessions(40))
    watch.poll(feed, AT)
    assert 'ebbtide_veeam_job_efficiency_sessions{source="vbr01",backup_job="Job"} 40' in house.page(AT)
    assert watch.collectors["efficiency"].interval == HOUR


def test_jobs_graded_while_the_first_poll_of_backups_went_on_are_graded_again_after_it(house: House) -> None:
    watch = vbr(house, {"backups": ()}, Grading())
    state = house.ledger.state("vbr01")
    state.add_reductions(sessions(40)[:1])
    watch.poll("efficiency", AT)
    state.add_reductions(sessions(40))
    watch.poll("backups", AT)
    assert 'ebbtide_veeam_job_efficiency_sessions{source="vbr01",backup_job="Job"} 40' in house.page(AT)


def test_jobs_graded_before_the_server_told_of_them_are_graded_again_then(house: House) -> None:
    answers = {"drop_file": ReductionFeed(sessions=40), "backup_jobs": (BackupJob(id="Job", name="New name"),)}
    watch = vbr(house, answers, Grading())
    house.ledger.state("vbr01").add_reductions(sessions(40))
    watch.poll("drop_file", AT)
    assert 'efficiency_sessions{source="vbr01",backup_job="Job"} 40' in house.page(AT)
    watch.poll("backup_jobs", AT)
    assert 'efficiency_sessions{source="vbr01",backup_job="New name"} 40' in house.page(AT)
    assert [job.name for job in remembered_jobs(house.ledger.state("vbr01"))] == ["New name"]


@pytest.mark.parametrize(
    ("answers", "grading"), [({"backups": ()}, None), ({"pools": ()}, Grading())], ids=["no terms", "no feed"]
)
def test_without_terms_or_sessions_nothing_is_graded(
    house: House, answers: dict[str, Any], grading: Grading | None
) -> None:
    assert "efficiency" not in vbr(house, answers, grading).collectors


def test_what_is_shown_of_a_job_and_of_its_repository(house: House) -> None:
    house.ledger.state("vbr01").add_reductions([*sessions(40), *sessions(12, "New")])
    vbr(house, {"backups": ()}, Grading()).poll("backups", AT)
    shown = [line for line in house.page(AT).splitlines() if "backup_job=" in line or "repository_eff" in line]
    values = dict(line.rsplit(" ", 1) for line in shown if not line.startswith("#"))

    def of(name: str, job: str = "Job", **labels: str) -> float | None:
        more = "".join(f',{label}="{value}"' for label, value in labels.items())
        found = values.get(f'ebbtide_veeam_{name}{{source="vbr01",backup_job="{job}"{more}}}')
        return None if found is None else float(found)

    assert of("job_efficiency_info", status="ok") == 1
    # Deduplication 1.975, compression 2.0, the last session an anomaly of 40 and critical.
    components = {c: of("job_efficiency_component_score", component=c) for c in ("dedup", "compression", "anomaly")}
    assert components == pytest.approx({"dedup": 61.875, "compression": 90.0, "anomaly": 93.75})
    assert of("job_efficiency_score") == pytest.approx(79.566, abs=1e-3)
    assert (of("job_efficiency_grade", grade="B"), of("job_efficiency_grade", grade="A")) == (1, 0)
    assert of("job_efficiency_trend", trend="stable") == 1
    assert of("job_efficiency_trend_ratio") == pytest.approx(-0.025)
    assert of("job_efficiency_trend_pvalue") == pytest.approx(0.3236, abs=1e-3)
    assert of("job_compression_trend_ratio") == 0
    assert of("job_combined_ratio_mean") == pytest.approx(3.95)
    assert of("job_combined_ratio_stddev") == pytest.approx(0.3122, abs=1e-3)
    assert of("job_combined_ratio_last_to_mean") == pytest.approx(2 / 3.95)
    assert of("job_efficiency_anomalous_sessions") == 1
    assert of("job_efficiency_critical_anomaly") == 1
    assert of("job_efficiency_flag", flag="CRITICAL_ANOMALIES") == 1
    assert of("job_efficiency_flag", flag="DEGRADING_TREND") == 0
    assert of("job_optimization_potential_bytes") == pytest.approx(30.625 * GIBIBYTE, rel=1e-3)
    assert of("job_efficiency_newest_session_timestamp_seconds") == AT - DAY

    assert of("job_efficiency_info", "New", status="insufficient_sessions") == 1
    assert of("job_efficiency_sessions", "New") == 12
    assert of("job_efficiency_grade", "New", grade="none") == 1
    assert of("job_efficiency_score", "New") is None

    repository = {k: float(v) for k, v in values.items() if "_repository_" in k}
    name = 'ebbtide_veeam_repository_efficiency_{}{{source="vbr01",pool="Repo"}}'
    assert repository[name.format("sessions")] == 52
    assert 70 < repository[name.format("score")] < 85


# What is unusual


def runs(nights: int, last: float, operation: str = "backup_incremental", client: str = "", fail: int = 0) -> list[Job]:
    """One an hour before AT in each of so many nights, half an hour long, the newest `last` seconds; and failed."""
    took = [last, *(1800.0 + night % 3 * 60 for night in range(1, nights))]
    good = [("success", AT - night * DAY - HOUR, seconds) for night, seconds in enumerate(took)]
    return [
        Job(
            id=hash((operation, client, number)) & 0xFFFFFFFF, operation=operation, result=result,
            started_at=end - seconds, ended_at=end, client_id=client,
        )
        for number, (result, end, seconds) in enumerate([*good, *[("failed", AT - 2 * HOUR, 60.0)] * fail])
    ]  # fmt: skip


def number(house: House, series: str) -> float | None:
    found = [line.split()[-1] for line in house.page(AT).splitlines() if line.startswith(series)]
    return float(found[0]) if found else None


def test_a_kind_of_jobs_that_takes_five_times_as_long_or_fails_is_on_the_page(house: House) -> None:
    watch = house.watch(fake_source({"jobs": JobHistory(())}))
    house.ledger.state("cs01").add_jobs(runs(40, last=9000.0, fail=20))
    watch.poll("jobs", AT)
    which = '{source="cs01",kind="commvault",operation="backup_incremental"}'
    assert number(house, f"ebbtide_operation_duration_last_day_seconds{which}") == 9000
    assert number(house, f"ebbtide_operation_duration_baseline_seconds{which}") == 1860
    assert (number(house, f"ebbtide_operation_duration_deviation{which}") or 0) > 5
    assert number(house, f"ebbtide_operation_failures_last_day{which}") == 20
    assert number(house, f"ebbtide_operation_failures_baseline{which}") == 0
    assert (number(house, f"ebbtide_operation_failures_deviation{which}") or 0) > 5


def test_three_weeks_of_jobs_are_needed(house: House) -> None:
    watch = house.watch(fake_source({"jobs": JobHistory(())}))
    house.ledger.state("cs01").add_jobs(runs(20, last=9000.0))
    watch.poll("jobs", AT)
    assert "ebbtide_operation_duration_last_day_seconds{" not in house.page(AT)
    assert success(house, "anomalies") == 1


def test_a_history_that_is_still_being_read_has_no_anomalies(house: House) -> None:
    watch = house.watch(fake_source({"jobs": JobHistory((), fill_ratio=0.5)}))
    house.ledger.state("cs01").add_jobs(runs(40, last=9000.0))
    watch.poll("jobs", AT)
    assert "ebbtide_operation_duration" not in house.page(AT)


def test_a_source_that_has_not_told_of_jobs_has_no_anomalies(house: House) -> None:
    watch = house.watch(fake_source({"jobs": JobHistory(())}))
    house.ledger.state("cs01").add_jobs(runs(40, last=9000.0))
    watch.poll("anomalies", AT)
    assert "ebbtide_operation_duration" not in house.page(AT)


def test_a_veeam_job_that_is_slow_is_told_from_the_others_and_by_its_name(house: House) -> None:
    names = tuple(BackupJob(id=name.lower(), name=name) for name in ("Mail", "Files"))
    watch = vbr(house, {"sessions": SessionHistory(types=(), runs=()), "backup_jobs": names}, None)
    state = house.ledger.state("vbr01")
    state.add_jobs(runs(40, last=9000.0, operation="backup", client="mail"))
    state.add_jobs(runs(40, last=1800.0, operation="backup", client="files"))
    state.add_jobs(runs(40, last=1800.0, operation="backup", client="deleted"))
    watch.poll("backup_jobs", AT)
    watch.poll("sessions", AT)
    which = '{source="vbr01",backup_job="Mail"}'
    assert number(house, f"ebbtide_veeam_job_duration_last_day_seconds{which}") == 9000
    assert (number(house, f"ebbtide_veeam_job_duration_deviation{which}") or 0) > 5
    assert abs(number(house, 'ebbtide_veeam_job_duration_deviation{source="vbr01",backup_job="Files"}') or 9) < 5
    assert 'backup_job="deleted"' not in house.page(AT)
    # Of the kind, two in three took as long as ever.
    which = '{source="vbr01",kind="veeam",operation="backup"}'
    assert abs(number(house, f"ebbtide_operation_duration_deviation{which}") or 9) < 5


def test_pools_on_one_disk_are_remembered_when_they_are_forecast(house: House) -> None:
    shared = [Pool(kind="commvault", name=name, capacity_bytes=9.0, free_bytes=1.0, shared="nas") for name in "AB"]
    house.watch(fake_source({"pools": tuple(shared)})).poll("pools", AT)
    assert house.ledger.state("cs01").get("disks") == '[["commvault", "A", "nas"], ["commvault", "B", "nas"]]'
