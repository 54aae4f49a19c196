"""Errors, records and counters: the words the rest of the house uses."""

from __future__ import annotations

import math

import pytest

from exporter import errors
from exporter.errors import EbbtideError, SourceError, SourceGarbled, SourceRefused, SourceUnreachable, reading
from exporter.model import Collector, Inventory, Pool, scheduled
from exporter.telemetry import Telemetry

GOLD = Pool(kind="commvault", name="Gold")


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda: {}["size"], "GET /Pool: the answer has no field 'size'"),
        (lambda: [][0], "GET /Pool: a field has an unexpected value: list index out of range"),
        (lambda: None.x, "GET /Pool: a field has an unexpected value: 'NoneType' object has no attribute 'x'"),
        (lambda: int("many"), "GET /Pool: a field has an unexpected value: invalid literal for int()"),
        (lambda: 1 + "1", "GET /Pool: a field has an unexpected value: unsupported operand"),
        (lambda: float(10**400), "GET /Pool: a field has an unexpected value: int too large"),
    ],
)  # fmt: skip
def test_a_field_of_another_shape_is_garbled_and_names_the_endpoint(mistake: object, message: str) -> None:
    with pytest.raises(SourceGarbled) as caught, reading("GET /Pool"):
        mistake()  # type: ignore[operator]
    assert str(caught.value).startswith(message)


def test_reading_lets_everything_else_pass() -> None:
    with pytest.raises(SourceRefused, match="403"), reading("GET /Pool"):
        raise SourceRefused("refused (403)")
    with pytest.raises(ZeroDivisionError), reading("GET /Pool"):
        _ = 1 / 0
    with reading("GET /Pool"):
        pass


def test_every_error_is_in_the_drawing_and_has_its_reason() -> None:
    classes = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, EbbtideError)]
    for one in classes:
        assert one.__name__ in (errors.__doc__ or "")
    reasons = {c.reason: c.contact for c in (SourceUnreachable, SourceRefused, SourceGarbled, SourceError)}
    assert reasons == {"unreachable": False, "refused": True, "garbled": True, "error": True}


def test_an_inventory_forgets_what_has_expired_and_only_that() -> None:
    inventory = Inventory().with_answer("pools", (GOLD,), 100.0, 400.0).with_answer("scans", (), 200.0, 900.0)
    assert inventory.fresh(399.0) == inventory
    assert inventory.fresh(400.0).pools is None
    assert inventory.fresh(400.0).scans == ()
    assert inventory.read_at == {"pools": 100.0, "scans": 200.0}
    assert inventory.with_answer("pools", (), 500.0, math.inf).fresh(500.0).pools == ()


def test_intervals_are_changed_left_alone_or_switched_off() -> None:
    collectors = [Collector(name, lambda *_: (), 3600.0) for name in ("pools", "jobs", "media_agents", "scans")]
    found = scheduled(collectors, {"pools": 60.0, "jobs": False, "media_agents": None, "unknown": 5.0})
    assert [(c.name, c.interval) for c in found] == [("pools", 60.0), ("media_agents", 3600.0), ("scans", 3600.0)]


def test_a_source_that_left_leaves_no_counters(telemetry: Telemetry) -> None:
    for source in ("cs01", "cs02"):
        telemetry.api_requests.labels(source, "/Pool", "200").inc()
        telemetry.api_request_duration.labels(source, "/Pool").observe(1)
        telemetry.api_response_bytes.labels(source, "/Pool").inc(100)
        telemetry.api_retries.labels(source).inc()
        telemetry.auth_failures.labels(source).inc()
        telemetry.collector_failures.labels(source, "pools", "bug").inc()
        telemetry.series_dropped.labels(source, "duplicate").inc()
    telemetry.forget_source("cs01")
    left = [
        (sample.name, sample.labels["source"])
        for metric in telemetry.registry.collect()
        for sample in metric.samples
        if "source" in sample.labels and sample.name.endswith(("_total", "_count"))
    ]
    assert {source for _, source in left} == {"cs02"}
    assert len(left) == 7


def test_two_exporters_in_one_process_count_apart() -> None:
    one, other = Telemetry(), Telemetry()
    one.api_retries.labels("cs01").inc()
    assert other.registry.get_sample_value("ebbtide_source_api_retries_total", {"source": "cs01"}) is None
    assert one.registry.get_sample_value("ebbtide_build_info", None) is None
