from __future__ import annotations

import pytest

from exporter.errors import SourceGarbled
from exporter.model import BackupObjects
from exporter.sources.veeam.backup_objects import BACKUP_OBJECTS, fetch, parse


def test_objects_without_a_restore_point_are_unprotected(rows):
    assert parse(rows("veeam-1.1/backupObjects")) == BackupObjects(total=2, unprotected=1)


def test_from_13_on_it_is_told_whose_last_run_failed(rows):
    assert parse(rows("veeam-1.3/backupObjects")) == BackupObjects(total=5, unprotected=1, last_run_failed=2)


def test_a_healthy_site_has_0_failures_and_not_unknown_ones(rows):
    assert parse(rows("veeam-1.3-rev2/backupObjects")).last_run_failed == 0


def test_stale_objects_do_not_count(rows):
    stale = [row for row in rows("veeam-1.3/backupObjects") if row["name"].startswith("outdated_")]
    assert len(stale) == 1
    assert parse(stale).total == 0


def test_no_objects_are_none():
    assert parse([]) == BackupObjects(total=0, unprotected=0)


@pytest.mark.parametrize(("field", "value"), [("restorePointsCount", "7"), ("lastRunFailed", 1), ("name", 7)])
def test_a_surprising_field_is_named(rows, field, value):
    [first, *_] = rows("veeam-1.3/backupObjects")
    with pytest.raises(SourceGarbled, match=rf"^GET /api/v1/backupObjects: .*{field}"):
        parse([first | {field: value}])


def test_they_are_one_list(client, requests_mock, payload, poll):
    requests_mock.post("/api/oauth2/token", json=payload("veeam-1.3/token"))
    requests_mock.get(BACKUP_OBJECTS, json=payload("veeam-1.3/backupObjects"))
    assert fetch(client(), poll).total == 5
