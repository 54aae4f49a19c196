from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from exporter.sources.filesystem.config import FilesystemSettings


def settings(**keys: Any) -> FilesystemSettings:
    return FilesystemSettings.model_validate({"name": "fs01", "kind": "filesystem", **keys})


def test_a_name_and_the_kind_are_enough():
    least = settings()
    assert (least.timeout, least.scan, least.mounts.include) == (5.0, (), ())
    assert least.intervals.model_dump() == {"mounts": None, "scans": None, "scan_states": None}
    assert "tmpfs" in least.mounts.exclude_types


def test_a_scan_is_done_once_a_day_unless_told_otherwise():
    scans = settings(
        scan=[{"path": "/srv"}, {"path": "/data", "depth": 2, "interval": "6h", "exclude": ["*.tmp"]}]
    ).scan
    assert [(s.path, s.depth, s.interval, s.exclude) for s in scans] == [
        ("/srv", 1, 86400.0, ()),
        ("/data", 2, 21600.0, ("*.tmp",)),
    ]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"scan": [{"path": "srv"}]}, "'srv' is not an absolute path"),
        ({"scan": [{"path": "/srv"}, {"path": "/srv"}]}, "scan has /srv twice"),
        ({"scan": [{"path": "/srv", "depth": -1}]}, "greater than or equal to 0"),
        ({"scan": [{"path": "/srv", "interval": "daily"}]}, "is not a duration"),
        ({"mounts": {"include_types": ["xfs"], "exclude_types": ["nfs"]}}, "are both set; keep one"),
        ({"mounts": {"types": ["xfs"]}}, "Extra inputs are not permitted"),
        ({"timeout": "0s"}, "must be longer than zero"),
        ({"intervals": {"mount": "1m"}}, "Extra inputs are not permitted"),
    ],
)
def test_a_mistake_is_named(keys, said):
    with pytest.raises(ValidationError, match=said):
        settings(**keys)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"pause": ["8-18"]}, "'8-18' is no time of day like"),
        ({"index": "scan.db"}, "'scan.db' is not an absolute path"),
        ({"categories": "mine.yaml"}, "'mine.yaml' is not an absolute path"),
        ({"io_pressure": 0}, "greater than 0"),
        ({"workers": 0}, "greater than or equal to 1"),
        ({"executor": "dask:8786"}, "'dask:8786' is no executor like"),
        ({"schedule": "daily"}, "'daily' is no schedule like"),
        ({"schedule": "0 0 30 2 *"}, "is no schedule like"),
        ({"schedule": "0 2 * * *", "interval": "1d"}, "interval and schedule are both set; keep one"),
    ],
)
def test_a_mistake_in_how_to_scan_is_named(keys, said):
    with pytest.raises(ValidationError, match=said):
        settings(scan=[{"path": "/srv", **keys}])


def test_two_scans_have_no_index_in_common():
    scans = [{"path": path, "index": "/var/lib/ebbtide/scan.db"} for path in ("/srv", "/data")]
    with pytest.raises(ValidationError, match=r"two scans have the index /var/lib/ebbtide/scan\.db"):
        settings(scan=scans)
    assert [scan.index for scan in settings(scan=scans[:1]).scan] == ["/var/lib/ebbtide/scan.db"]
