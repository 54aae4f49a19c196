"""The exporter's own counters, in a registry of their own: what it asked its sources, and how that went.

Everything about sources and collectors that is a state and not a count is published on the Board instead.
"""

from __future__ import annotations

import platform

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from exporter import __version__

_LATENCY_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Telemetry:
    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        build = Info("ebbtide_build", "Version of the exporter and of the Python it runs on.", registry=registry)
        build.info({"version": __version__, "python_version": platform.python_version()})

        self.api_requests = Counter(
            "ebbtide_source_api_requests",
            "Requests sent to the source, by route and status code (code=error: no answer).",
            ("source", "endpoint", "code"),
            registry=registry,
        )
        self.api_request_duration = Histogram(
            "ebbtide_source_api_request_duration_seconds",
            "Time from sending a request to the last byte of its answer.",
            ("source", "endpoint"),
            buckets=_LATENCY_BUCKETS,
            registry=registry,
        )
        self.api_response_bytes = Counter(
            "ebbtide_source_api_response_bytes",
            "Size of the answers, after decompression.",
            ("source", "endpoint"),
            registry=registry,
        )
        self.api_retries = Counter(
            "ebbtide_source_api_retries", "Requests sent again after a failure.", ("source",), registry=registry
        )
        self.auth_failures = Counter(
            "ebbtide_source_auth_failures",
            "Answers that refused our credentials or a fresh token.",
            ("source",),
            registry=registry,
        )
        self.token_expiry = Gauge(
            "ebbtide_source_token_expiry_timestamp_seconds",
            "When the access token of the source expires, as far as its server says.",
            ("source",),
            registry=registry,
        )
        self.token_renewable_until = Gauge(
            "ebbtide_source_token_renewable_until_timestamp_seconds",
            "Until when the access token can be renewed; after that someone must make a new one.",
            ("source",),
            registry=registry,
        )
        self.collector_failures = Counter(
            "ebbtide_collector_failures",
            "Polls that failed; reason is unreachable, refused, garbled, overdue, config, store, worker or bug.",
            ("source", "collector", "reason"),
            registry=registry,
        )
        self.series_dropped = Counter(
            "ebbtide_series_dropped",
            "Series not published; reason=duplicate: two objects of the source have the same labels.",
            ("source", "reason"),
            registry=registry,
        )
        self.store_write_errors = Counter(
            "ebbtide_store_write_errors",
            "Writes to the history store that failed; their samples are lost to it.",
            registry=registry,
        )
        self.store_samples_lost = Counter(
            "ebbtide_store_samples_lost",
            "Samples that the history store could not take; they were published, but their past has a gap.",
            registry=registry,
        )
        self.store_size = Gauge(
            "ebbtide_store_size_bytes", "Size of the store on disk; told once an hour.", ("store",), registry=registry
        )
        self.store_series = Gauge(
            "ebbtide_store_series", "Series the store knows; told once an hour.", ("store",), registry=registry
        )
        self.store_rows = Gauge(
            "ebbtide_store_rows",
            "Samples, and days that samples became, which the store holds; told once an hour.",
            ("table",),
            registry=registry,
        )
        self.store_oldest = Gauge(
            "ebbtide_store_oldest_sample_timestamp_seconds",
            "The oldest sample, and the oldest day, which the store holds; told once an hour.",
            ("table",),
            registry=registry,
        )
        self.reload_successful = Gauge(
            "ebbtide_config_last_reload_successful",
            "1 if the last attempt to load the configuration succeeded.",
            registry=registry,
        )
        self.reload_timestamp = Gauge(
            "ebbtide_config_last_reload_success_timestamp_seconds",
            "When the running configuration was loaded.",
            registry=registry,
        )
        self.http_requests = Counter(
            "ebbtide_http_requests", "Requests served.", ("handler", "code"), registry=registry
        )

    def tell_token(self, source: str, expires_at: float | None, renewable_until: float | None) -> None:
        """Publish what the server said about an access token; what it did not say is absent."""
        for gauge, moment in ((self.token_expiry, expires_at), (self.token_renewable_until, renewable_until)):
            if moment is None:
                gauge.remove_by_labels({"source": source})
            else:
                gauge.labels(source).set(moment)

    def forget_source(self, source: str) -> None:
        """Drop the series of a source that left the configuration."""
        for metric in (
            self.api_requests,
            self.api_request_duration,
            self.api_response_bytes,
            self.api_retries,
            self.auth_failures,
            self.token_expiry,
            self.token_renewable_until,
            self.collector_failures,
            self.series_dropped,
        ):
            metric.remove_by_labels({"source": source})
