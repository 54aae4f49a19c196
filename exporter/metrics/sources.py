"""What is said of every source and collector; read by the watch from its own states, not from what a source said."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from exporter.findings import Findings
from exporter.metrics.family import GROUP, Subject, gauge, grouped, info


def _none(_: Findings) -> Iterable[Any]:
    return ()


SOURCE = Subject((), ("exporter",), _none, lambda _: ())
COLLECTOR = Subject(("collector",), ("exporter",), _none, lambda c: (c.collector,))

FAMILIES = (
    info("ebbtide_source_info", "A configured source; join on source.", SOURCE, ("kind", "endpoint_host", *GROUP), lambda s: (s.kind, s.host, *grouped(s))),
    gauge("ebbtide_source_up", "1 if the last contact with the source succeeded, login included.", SOURCE, lambda s: s.up),
    gauge("ebbtide_collector_success", "1 if the last poll of the collector ended without error.", COLLECTOR, lambda c: c.success),
    gauge("ebbtide_collector_duration_seconds", "Duration of the last poll.", COLLECTOR, lambda c: c.duration_seconds),
    gauge("ebbtide_collector_interval_seconds", "Configured time between polls; series are withdrawn three of them after the last success.", COLLECTOR, lambda c: c.interval_seconds),
    gauge("ebbtide_collector_last_success_timestamp_seconds", "When the last successful poll began: the age of everything this collector shows.", COLLECTOR, lambda c: c.last_success_at),
    gauge("ebbtide_collector_objects", "Objects read by the last successful poll.", COLLECTOR, lambda c: c.objects),
)  # fmt: skip
