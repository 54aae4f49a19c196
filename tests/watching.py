"""A source with one pool, and what its watch shows of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.model import Pool
from tests.inventories import AT

if TYPE_CHECKING:
    from tests.conftest import House

GOLD = Pool(kind="commvault", name="Gold", id="1", capacity_bytes=100.0, free_bytes=25.0, status="online")


def value(house: House, series: str, at: float = AT) -> float | None:
    """The number behind a series such as `ebbtide_source_up{source="cs01"}`."""
    found = [line for line in house.page(at).splitlines() if line.startswith(f"{series} ")]
    return float(found[0].rpartition(" ")[2]) if found else None


def success(house: House, collector: str = "pools") -> float | None:
    return value(house, f'ebbtide_collector_success{{source="cs01",collector="{collector}"}}')


def up(house: House) -> float | None:
    return value(house, 'ebbtide_source_up{source="cs01"}')


def free(house: House, at: float = AT) -> float | None:
    return value(house, 'ebbtide_pool_free_bytes{source="cs01",kind="commvault",pool="Gold"}', at)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [f"{record.levelname} {record.getMessage()}" for record in caplog.records]
