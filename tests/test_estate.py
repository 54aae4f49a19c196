"""The estate: groups across sources, watched like a source of their own, of which nobody says that it is up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.config import parse
from exporter.errors import HistoryError
from exporter.history import Sample
from exporter.model import DAY, HOUR
from exporter.service import Service
from tests.conftest import AtOnce
from tests.inventories import AT

CONFIG = """
history: {{url: 'sqlite:///{folder}/h.db', raw: 90d, resolution: 1m}}
forecast: {{interval: 10m}}
groups:
  - {{match: {{pool: /srv}}, business_unit: Finance}}
  - {{match: {{source: fs*}}, business_unit: {other}}}
sources: [{{name: fs01, kind: filesystem}}, {{name: fs02, kind: filesystem}}]
"""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    path = tmp_path / "ebbtide.yml"
    path.write_text(CONFIG.format(folder=tmp_path, other="IT"))
    made = Service(parse(path.read_text()), path, clock=lambda: AT)
    # Forecasts in this process.
    made._executor.shutdown()
    made._executor.submit = AtOnce().submit  # type: ignore[method-assign]
    for number in range(40):
        at = AT - 39 * DAY + number * DAY
        samples: list[Sample] = []
        for source in ("fs01", "fs02", "gone"):
            labels = {"source": source, "kind": "filesystem", "pool": "/srv" if source == "fs02" else "/"}
            samples += [
                ("ebbtide_pool_capacity_bytes", labels, 1000e9),
                ("ebbtide_pool_free_bytes", labels, 800e9 - number * 4e9),
            ]
        made.history.append(samples, at)
    yield made
    made.close()


def lines(service: Service, start: str) -> list[str]:
    return [line for line in service.board.page(AT).text.decode().splitlines() if line.startswith(start)]


def test_groups_of_all_sources_are_on_the_page_without_a_source(service: Service) -> None:
    state = service._estate.poll("groups", AT)
    assert (state.success, state.objects, state.interval_seconds) == (True, 5, 2400)
    assert lines(service, "ebbtide_group_pools{") == [
        'ebbtide_group_pools{group_by="business_unit",group="Finance"} 1',
        'ebbtide_group_pools{group_by="business_unit",group="IT"} 1',
        'ebbtide_group_pools{group_by="source",group="fs01"} 1',
        'ebbtide_group_pools{group_by="source",group="fs02"} 1',
        'ebbtide_group_pools{group_by="kind",group="filesystem"} 2',
    ]
    [used] = lines(service, 'ebbtide_group_used_bytes{group_by="kind"')
    assert float(used.split()[-1]) == pytest.approx(2 * 356e9)
    [rate] = lines(service, 'ebbtide_group_fill_bytes_per_second{group_by="kind"')
    assert float(rate.split()[-1]) == pytest.approx(8e9 / DAY, rel=0.05)


def test_the_estate_is_no_source_that_could_be_up_or_down(service: Service) -> None:
    service._estate.announce()
    service._estate.poll("groups", AT)
    assert lines(service, 'ebbtide_collector_success{source="estate",collector="groups"} 1')
    assert not [line for line in lines(service, "ebbtide_source_") if '"estate"' in line]


def test_polling_once_ends_with_the_groups_unless_one_source_is_meant(service: Service) -> None:
    assert [state.source for state in service.poll_once(AT)][-1] == "estate"
    assert {state.source for state in service.poll_once(AT, "fs01")} == {"fs01"}


def test_groups_that_are_renamed_by_a_reload_are_forecast_anew(service: Service, tmp_path: Path) -> None:
    service.start()
    service._estate.poll("groups", AT)
    (tmp_path / "ebbtide.yml").write_text(CONFIG.format(folder=tmp_path, other="Storage"))
    service.reload()
    service._estate.poll("groups", AT)
    assert lines(service, 'ebbtide_group_pools{group_by="business_unit",group="Storage"}')
    assert not lines(service, 'ebbtide_group_pools{group_by="business_unit",group="IT"}')


def test_a_history_that_cannot_be_read_fails_the_groups_and_leaves_what_was_shown(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise HistoryError("history cannot be read: disk I/O error")

    service._estate.poll("groups", AT - HOUR)
    monkeypatch.setattr(service.history, "ranges", broken)
    state = service._estate.poll("groups", AT)
    assert (state.success, state.reason, state.error) == (False, "store", "history cannot be read: disk I/O error")
    assert lines(service, "ebbtide_group_pools{")
