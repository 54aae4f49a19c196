"""Can the numbers be trusted: does every source answer, is every poll recent, and does the exporter lose anything?"""

from __future__ import annotations

import math

from board import dashboard, row, variable
from looks import (
    BLUE,
    GREEN,
    NEUTRAL,
    ORANGE,
    RED,
    TRANSPARENT,
    Json,
    colored,
    drill,
    limit,
    says,
    steps,
    unit,
    yes_no,
)
from panels import query, sparse, stat, statetimeline, table, timeseries

SOURCES = 'source=~"$source"'
AGE = "ebbtide_collector_age_seconds_per_interval_seconds"
STALE = f'source_collector:{AGE}:ratio{{{SOURCES}}} > bool on () group_left () severity:{AGE}:threshold{{severity="warning"}}'


def build() -> Json:
    return dashboard(
        "ebbtide-exporter",
        "Ebbtide / Exporter and sources",
        __doc__,
        [variable("source", "Source", "label_values(ebbtide_source_info, source)")],
        [
            row("Now", (4, 4, down()), (4, 4, stale()), (4, 4, failures()), (4, 4, lost()), (4, 4, reload()), (4, 4, series())),
            row("Sources", (24, 8, sources())),
            row("Collectors", (24, 11, collectors())),
            row("Requests", (6, 10, up()), (8, 10, requests()), (10, 10, latency())),
            row("History store", (12, 8, size()), (12, 8, rows())),
        ],
        tags=["operations"],
    )  # fmt: skip


def down() -> Json:
    return stat(
        "Sources down",
        "Configured systems that do not answer or refuse the exporter. What such a source shows is old, and ends after "
        "three intervals. The exporter's status page names the reason.",
        [query(f"sum(max by (source) (ebbtide_source_up{{{SOURCES}}}) == bool 0)")],
        unit="none",
        none="No source is configured",
        colors=steps(NEUTRAL, (0, GREEN), (1, RED)),
    )


def stale() -> Json:
    return stat(
        "Stale collectors",
        "Questions whose last good answer is older than the threshold in intervals: their values are withdrawn, so a board "
        "without them looks calm. Find them at the top of the table.",
        [query(f"sum({STALE})")],
        unit="none",
        none="No collector is known",
        colors=steps(NEUTRAL, (0, GREEN), (1, RED)),
    )


def failures() -> Json:
    return stat(
        "Failed polls",
        "Collectors whose last poll failed. The exporter's log names the endpoint and the missing permission; garbled or "
        "bug means that the vendor answers something new: report it.",
        [query(f"sum(max by (source, collector) (ebbtide_collector_success{{{SOURCES}}}) == bool 0)")],
        unit="none",
        none="No collector is known",
        colors=steps(NEUTRAL, (0, GREEN), (1, ORANGE)),
    )


def lost() -> Json:
    return stat(
        "Samples lost a day",
        "Samples the history store could not take, at the present rate: they were shown, but forecasts will miss them. "
        "See whether the disk is full or the database unreachable.",
        [query("86400 * sum(rate(ebbtide_store_samples_lost_total[$__rate_interval]))", over_time=True)],
        unit="short",
        none="No history store",
        colors=steps(NEUTRAL, (0, GREEN), (0.5, RED)),
    )


def reload() -> Json:
    states = says({1: "in force"}, GREEN)["value"] + says({0: "refused"}, RED)["value"]
    panel = stat(
        "Configuration",
        "Whether the configuration file, as it was last read, is in force. Refused: the exporter goes on with the one "
        "before; ebbtide check says what is wrong in the file.",
        [query("min(ebbtide_config_last_reload_successful)")],
        unit="none",
        none="Unknown",
        colors=steps(NEUTRAL),
    )
    panel["fieldConfig"]["defaults"]["mappings"] = states
    return panel


def series() -> Json:
    return stat(
        "Series remembered",
        "Series the history store knows. A jump means that a label has become unbounded, or that objects were renamed: see "
        "docs/history.md for what to leave out.",
        [query("sum(max by (store) (ebbtide_store_series))", over_time=True)],
        unit="short",
        none="No history store",
        colors=steps(BLUE),
    )


def sources() -> Json:
    sent = f"rate(ebbtide_source_api_requests_total{{{SOURCES}}}[$__rate_interval])"
    bad = f'rate(ebbtide_source_api_requests_total{{{SOURCES}, code!~"2..|304"}}[$__rate_interval])'
    slow = f"rate(ebbtide_source_api_request_duration_seconds_bucket{{{SOURCES}}}[$__rate_interval])"
    expiry = f"min by (source) (ebbtide_source_token_renewable_until_timestamp_seconds{{{SOURCES}}})"
    left = "ebbtide_source_token_renewable_seconds"
    refused = f"86400 * sum by (source) (rate(ebbtide_source_auth_failures_total{{{SOURCES}}}[$__rate_interval]))"
    dropped = f"max by (source) (rate(ebbtide_series_dropped_total{{{SOURCES}}}[$__rate_interval]) > bool 0)"
    return table(
        "Sources",
        "Each system, unreachable ones first, with what the exporter asks of it. Errors: answers that are no success, a "
        "refused login too, which is counted by the day. Token ends: after that somebody must make a new one. Click a source to see it alone.",
        [
            ("Source", "source", [drill("Only this source", "ebbtide-exporter", source="Source")]),
            ("Kind", "kind", []),
            ("Host", "endpoint_host", []),
            ("State", "Value #up", yes_no("up", "down")),
            ("Requests a minute", "Value #sent", unit("none", 1)),
            ("Errors", "Value #errors", [*unit("percentunit", 1), *colored(steps(TRANSPARENT, (0.05, ORANGE)))]),
            ("Slowest twentieth", "Value #p95", unit("s")),
            ("Logins refused", "Value #refused", unit("none", 0)),
            ("Token ends in", "Value #token", [*unit("s", 0), *colored(steps(TRANSPARENT, (-1e12, RED), (limit(left, "critical"), ORANGE), (limit(left, "warning"), TRANSPARENT)))]),
            ("Series dropped", "Value #dropped", yes_no("yes", "no", good=0)),
        ],
        [
            query(f"max by (source, kind, endpoint_host) (ebbtide_source_info{{{SOURCES}}})", ref="info", table=True),
            query(f"max by (source) (ebbtide_source_up{{{SOURCES}}})", ref="up", table=True),
            query(f"60 * sum by (source) ({sent})", ref="sent", table=True),
            query(f"(sum by (source) ({bad}) or 0 * sum by (source) ({sent})) / (sum by (source) ({sent}) > 0)", ref="errors", table=True),
            query(f"histogram_quantile(0.95, sum by (source, le) ({slow})) >= 0", ref="p95", table=True),
            query(refused, ref="refused", table=True),
            query(f"{expiry} - time()", ref="token", table=True),
            query(dropped, ref="dropped", table=True),
        ],
        none="No source is configured",
        sort=("State", False),
    )  # fmt: skip


def collectors() -> Json:
    def collector(family: str, ref: str) -> Json:
        return query(f"max by (source, collector) (ebbtide_collector_{family}{{{SOURCES}}})", ref=ref, table=True)

    last = f"max by (source, collector) (ebbtide_collector_last_success_timestamp_seconds{{{SOURCES}}})"
    oldest = limit(AGE, "warning")
    return table(
        "Collectors",
        "Whether each question asked of a source is answered, and how old the answer is. From three intervals on its values "
        "are withdrawn. Failed: the exporter's log names endpoint and missing permission.",
        [
            ("Source", "source", []),
            ("Collector", "collector", []),
            ("Last poll", "Value #success", yes_no("succeeded", "failed")),
            ("Age", "Value #age", unit("s", 0)),
            ("Interval", "Value #interval", unit("s", 0)),
            ("Age / interval", "Value #intervals", [*unit("none", 1), says({math.inf: "never"}, RED), *colored(steps(TRANSPARENT, (oldest, RED)))]),
            ("Duration", "Value #duration", unit("s", 1)),
            ("Objects", "Value #objects", unit("short")),
        ],
        [
            collector("success", "success"),
            query(f"time() - {last}", ref="age", table=True),
            collector("interval_seconds", "interval"),
            query(f"max by (source, collector) (source_collector:{AGE}:ratio{{{SOURCES}}})", ref="intervals", table=True),
            collector("duration_seconds", "duration"),
            collector("objects", "objects"),
        ],
        none="No collector is known",
        sort=("Age / interval", True),
    )  # fmt: skip


def up() -> Json:
    timeline = statetimeline(
        "Sources over time",
        "When each source answered. Gaps of all at once are the exporter or Prometheus; of one, that system or its network.",
        [query(f"max by (source) (min_over_time(ebbtide_source_up{{{SOURCES}}}[$__rate_interval]))", "{{source}}", over_time=True)],
        states=[(0, "down", RED), (1, "up", GREEN)],
        none="No source is configured",
    )  # fmt: skip
    return sparse(timeline)


def requests() -> Json:
    return timeseries(
        "Answers by status",
        "Requests a second by status code; error: no answer at all. 401 and 403: the account or its permissions. 429 and "
        "503: the exporter asks more than the server takes: longer intervals.",
        [query(f"sum by (code) (rate(ebbtide_source_api_requests_total{{{SOURCES}}}[$__rate_interval]))", "{{code}}", over_time=True)],
        unit="reqps",
        none="No request was sent",
    )  # fmt: skip


def latency() -> Json:
    def p95(at: str = "") -> str:
        seconds = f"rate(ebbtide_source_api_request_duration_seconds_bucket{{{SOURCES}}}[$__rate_interval]{at})"
        return f"histogram_quantile(0.95, sum by (source, endpoint, le) ({seconds}))"

    slowest = f"{p95()} and on (source, endpoint) topk(6, {p95(' @ end()')})"
    graph = timeseries(
        "Slowest questions",
        "Time that one answer in twenty exceeds, of the routes that are the six slowest now. A route that grows with the estate will meet "
        "its timeout: give its collector a longer interval.",
        [query(slowest, "{{source}} {{endpoint}}", over_time=True)],
        unit="s",
        none="No request was sent",
    )
    return sparse(graph)


def size() -> Json:
    return timeseries(
        "Size of the history store",
        "On disk. It should level off once the retention of the store is reached; a straight line up means that nothing is "
        "deleted, or that series keep being added.",
        [query("max by (store) (ebbtide_store_size_bytes)", "{{store}}", over_time=True)],
        unit="bytes",
        none="No history store",
    )


def rows() -> Json:
    return timeseries(
        "Rows of the history store",
        "Samples, and the days that older samples became. Samples that only rise are no longer condensed: see the "
        "exporter's log for errors of the store.",
        [query("max by (table) (ebbtide_store_rows)", "{{table}}", over_time=True)],
        unit="short",
        none="No history store",
    )
