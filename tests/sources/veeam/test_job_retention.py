"""Where the kinds of job keep their retention."""

from __future__ import annotations

import pytest

from exporter.errors import SourceGarbled
from exporter.model import DAY
from exporter.sources.veeam.job_retention import NOT_TOLD, Retention, retention

POINTS = {"type": "RestorePoints", "quantity": 7}


def read(**job):
    return retention(job, endpoint="GET /api/v1/jobs")


@pytest.mark.parametrize("place", ["storage", "target", "backupRepository"])
def test_each_kind_of_job_has_its_place_for_it(place):
    assert read(**{place: {"retentionPolicy": POINTS}}) == Retention(points=7)


def test_copies_of_files_keep_it_beside_everything_else():
    assert read(useCustomRetention=True, retentionPolicy={"type": "Months", "quantity": 3}).seconds == 90 * DAY


def test_a_copy_that_keeps_what_its_source_keeps_tells_nothing():
    assert read(useCustomRetention=False, retentionPolicy={"type": "Days", "quantity": 3}) == NOT_TOLD


@pytest.mark.parametrize(
    ("unit", "seconds"), [("Days", 2 * DAY), ("days", 2 * DAY), ("Months", 60 * DAY), ("Years", 730 * DAY)]
)
def test_time_is_counted_in_seconds(unit, seconds):
    assert read(storage={"retentionPolicy": {"type": unit, "quantity": 2}}) == Retention(seconds=seconds)


@pytest.mark.parametrize("job", [{}, {"storage": None}, {"storage": {}}, {"target": {"backupRepositoryId": "x"}}])
def test_jobs_without_retention_have_none(job):
    assert read(**job) == NOT_TOLD


def test_a_unit_that_nobody_knows_is_neither_time_nor_points():
    assert read(storage={"retentionPolicy": {"type": "Moons", "quantity": 2}}) == NOT_TOLD


def test_a_tier_without_a_number_is_not_told():
    gfs = {"isEnabled": True, "weekly": {"isEnabled": True}, "monthly": {"isEnabled": True, "keepForNumberOfMonths": 6}}
    assert read(storage={"retentionPolicy": POINTS, "gfsPolicy": gfs}).gfs == {"monthly": 6}


def test_a_policy_without_a_type_is_garbled():
    with pytest.raises(SourceGarbled, match=r"GET /api/v1/jobs.*type"):
        read(storage={"retentionPolicy": {"quantity": 2}})
