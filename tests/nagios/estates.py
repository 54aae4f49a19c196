"""Made-up sources for every check: values drawn around the thresholds, so that some are bad, some just not."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

DAY = 86400.0
INF = float("inf")


@dataclass(frozen=True)
class Series:
    """A constant or, with a slope per second, a line that has its value now."""

    name: str
    labels: dict[str, str]
    value: float
    slope: float = 0.0

    def at(self, seconds_ago: float) -> str:
        labels = ",".join(f'{key}="{value}"' for key, value in self.labels.items())
        value = self.value - self.slope * seconds_ago
        return f"{self.name}{{{labels}}} {'+Inf' if value == INF else repr(float(value))}"


Draw = Callable[[random.Random, str, float], Iterator[Series]]


def collectors(draw: random.Random, source: str, now: float, *names: str) -> Iterator[Series]:
    yield Series("ebbtide_source_up", {"source": source}, 1)
    for name in names:
        labels = {"source": source, "collector": name}
        yield Series("ebbtide_collector_interval_seconds", labels, 900)
        yield Series("ebbtide_collector_success", labels, 1)
        yield Series("ebbtide_collector_last_success_timestamp_seconds", labels, now - draw.uniform(0, 1800))


def pools(draw: random.Random, source: str, now: float, kind: str = "") -> Iterator[Series]:
    yield from collectors(draw, source, now, "mounts" if kind == "filesystem" else "pools")
    for number in range(draw.randint(1, 3)):
        pool = {
            "source": source,
            "kind": kind or draw.choice(["commvault", "veeam", "filesystem"]),
            "pool": f"p{number}",
        }
        free = draw.choice([0.02, 0.05, 0.07, 0.0999, 0.10, 0.15, 0.2, 0.29, 0.35, 0.41, 0.9])
        yield Series("ebbtide_pool_free_ratio", pool, free)
        yield Series("ebbtide_pool_free_bytes", pool, free * 1e12)
        yield Series("ebbtide_pool_forecast_history_seconds", pool, draw.choice([1, 3, 7, 8, 30]) * DAY)
        to_full = draw.choice([0.5, 1.9, 2, 5, 13.9, 14, 200, INF]) * DAY
        yield Series("ebbtide_pool_time_to_full_seconds", pool, to_full)
        if pool["kind"] == "filesystem":
            labels = {"source": source, "pool": pool["pool"]}
            yield Series("ebbtide_filesystem_files", labels, draw.choice([0, 1000, 1000]))
            yield Series("ebbtide_filesystem_files_free", labels, draw.choice([49, 50, 99, 100, 900, 900]))
            yield Series("ebbtide_filesystem_readonly", labels, draw.random() < 0.3)


def filesystems(draw: random.Random, source: str, now: float) -> Iterator[Series]:
    yield from pools(draw, source, now, "filesystem")


def ddbs(draw: random.Random, source: str, now: float) -> Iterator[Series]:
    yield from collectors(draw, source, now, "dedup_stores")
    for number in range(draw.randint(1, 2)):
        ddb = {"source": source, "ddb": f"d{number}"}
        pending = draw.choice([0, 39_999, 40_000, 40_001, 99_000, 100_000, 100_001, 100_001, 2e6, 2e6])
        yield Series("ebbtide_commvault_ddb_pending_deletes", ddb, pending, draw.choice([0, 0.01, -0.01]))
        if draw.random() < 0.8:
            yield Series("ebbtide_commvault_ddb_info", {**ddb, "ddb_id": "1", "pool": "p", "prune_mode": ""}, 1)


def pruned_pools(draw: random.Random, source: str, now: float) -> Iterator[Series]:
    yield from collectors(draw, source, now, "pools")
    # Nobody prunes a filesystem.
    files = {"source": source, "kind": "filesystem", "pool": "/"}
    yield Series("ebbtide_pool_ingested_bytes_total", files, 1e12, 1e3)
    yield Series("ebbtide_pool_last_prune_timestamp_seconds", files, now - 20 * DAY)
    for number in range(draw.randint(1, 2)):
        pool = {"source": source, "kind": draw.choice(["commvault", "veeam"]), "pool": f"p{number}"}
        worm = draw.choice(["false", "false", "true"])
        yield Series("ebbtide_pool_info", {**pool, "worm": worm, "shared": ""}, 1)
        yield Series("ebbtide_pool_ingested_bytes_total", pool, 1e12, draw.choice([0, 1e3, 1e3, 1e3]))
        yield Series("ebbtide_pool_observed_dates_30d", pool, draw.choice([3, 13, 14, 30]))
        if draw.random() < 0.6:
            yield Series("ebbtide_pool_prune_dates_30d", pool, 3)
            age = draw.choice([0.1, 2, 6.9, 7.1, 20]) * DAY
            yield Series("ebbtide_pool_last_prune_timestamp_seconds", pool, now - age)
        else:
            yield Series("ebbtide_pool_prune_dates_30d", pool, 0)
        managed = {"source": source, "pool": pool["pool"]}
        yield Series("ebbtide_veeam_repository_immutable_seconds", managed, draw.choice([0, 0, DAY]))
        yield Series("ebbtide_commvault_pool_managed_disk_space_enabled", managed, draw.random() < 0.2)


def aged(draw: random.Random, source: str, now: float) -> Iterator[Series]:
    yield from collectors(draw, source, now, "jobs")
    for operation, failed in (("data_aging", draw.randint(0, 4)), ("backup", 50)):
        labels = {"source": source, "operation": operation}
        yield Series("ebbtide_commvault_operation_failed_jobs_24h", labels, failed)


def veeam_jobs(draw: random.Random, source: str, now: float) -> Iterator[Series]:
    yield from collectors(draw, source, now, "backup_jobs", "sessions")
    for number in range(draw.randint(1, 2)):
        job = {"source": source, "backup_job": f"j{number}"}
        result = draw.choice(["success", "warning", "failed", "failed"])
        for state in ("success", "warning", "failed", "none"):
            yield Series("ebbtide_veeam_job_last_result", {**job, "result": state}, state == result)
        yield Series("ebbtide_veeam_job_enabled", job, draw.random() < 0.8)
        yield Series("ebbtide_veeam_job_running", job, draw.random() < 0.2)
        if draw.random() < 0.8:
            age = draw.choice([0.5, 1.9, 2.1, 20]) * DAY
            yield Series("ebbtide_veeam_job_last_success_timestamp_seconds", job, now - age)
        if draw.random() < 0.9:
            age = draw.choice([0.5, 7.9, 8.1, 20]) * DAY
            yield Series("ebbtide_veeam_job_last_run_timestamp_seconds", job, now - age)
        if draw.random() < 0.7:
            yield Series("ebbtide_veeam_job_next_run_timestamp_seconds", job, now + DAY)


def media_agents(draw: random.Random, source: str, now: float) -> Iterator[Series]:
    yield from collectors(draw, source, now, "media_agents")
    for number in range(draw.randint(1, 3)):
        agent = {"source": source, "mediaagent": f"m{number}"}
        yield Series("ebbtide_commvault_mediaagent_online", agent, draw.random() < 0.6)
        yield Series("ebbtide_commvault_mediaagent_maintenance", agent, draw.random() < 0.4)


def plans(draw: random.Random, source: str, now: float) -> Iterator[Series]:
    yield from collectors(draw, source, now, "plans")
    for number in range(draw.randint(1, 3)):
        plan = {"source": source, "plan": f"p{number}"}
        fulls = draw.choice([0, 4, 5, 10, 31, 100])
        yield Series("ebbtide_commvault_plan_full_jobs_30d", plan, fulls)
        failed = min(fulls, draw.choice([0, 1, 2, 3, 4, 6, 11, 12]))
        yield Series("ebbtide_commvault_plan_failed_full_jobs_30d", plan, failed)


def rules(draw: random.Random, source: str, now: float) -> Iterator[Series]:
    yield from collectors(draw, source, now, "plans")
    for number in range(draw.randint(1, 6)):
        rule = {"source": source, "plan": f"p{number}", "copy": "Primary", "rule": "basic"}
        days, cycles = draw.choice([7, 14, 30, 31, 365, INF]) * DAY, draw.choice([1, 2, 3, 5, INF])
        prefix = "ebbtide_commvault_retention_rule"
        yield Series(f"{prefix}_aging_enabled", rule, draw.random() < 0.9)
        yield Series(f"{prefix}_retention_seconds", rule, days)
        yield Series(f"{prefix}_retention_cycles", rule, cycles)
        kind = {**rule, "kind": "commvault"}
        yield Series("ebbtide_retention_configured_seconds", kind, days)
        latest = INF if INF in (days, cycles) else days * draw.choice([1, 1.29, 1.31, 2])
        yield Series("ebbtide_retention_effective_seconds", {**kind, "bound": "latest"}, latest)


def graded_jobs(draw: random.Random, source: str, now: float) -> Iterator[Series]:
    yield from collectors(draw, source, now, "sessions")
    for number in range(draw.randint(1, 3)):
        job = {"source": source, "backup_job": f"j{number}"}
        prefix = "ebbtide_veeam_job_efficiency"
        yield Series(f"{prefix}_sessions", job, 40)
        if draw.random() < 0.2:
            continue
        yield Series(f"{prefix}_score", job, draw.choice([20, 39.9, 40, 75]))
        trend = draw.choice(["degrading", "stable"])
        for state in ("degrading", "stable"):
            yield Series(f"{prefix}_trend", {**job, "trend": state}, state == trend)
        yield Series(f"{prefix}_trend_ratio", job, draw.choice([-0.2, -0.05, -0.01, 0.06]))
        yield Series(f"{prefix}_critical_anomaly", job, draw.random() < 0.3)
        yield Series(f"{prefix}_newest_session_timestamp_seconds", job, now - draw.choice([1, 6.9, 7.1]) * DAY)
        yield Series("ebbtide_veeam_job_combined_ratio_last_to_mean", job, draw.choice([0.4, 0.9]))


def sources(draw: random.Random, source: str, now: float) -> Iterator[Series]:
    yield Series("ebbtide_source_up", {"source": source}, draw.random() < 0.7)
    for name in ("pools", "jobs"):
        labels = {"source": source, "collector": name}
        success = draw.random() < 0.7
        yield Series("ebbtide_collector_interval_seconds", labels, 900)
        yield Series("ebbtide_collector_success", labels, success)
        if success or draw.random() < 0.5:
            age = draw.choice([0, 1, 2.5, 3.1, 10]) * 900
            yield Series("ebbtide_collector_last_success_timestamp_seconds", labels, now - age)
    if draw.random() < 0.5:
        until = now + draw.choice([-1, 1.9, 2.1, 6.9, 7.1, 90]) * DAY
        yield Series("ebbtide_source_token_renewable_until_timestamp_seconds", {"source": source}, until)


DRAWS: dict[str, Draw] = {
    "pool": pools,
    "filesystem": filesystems,
    "time-to-full": pools,
    "pending-deletes": ddbs,
    "pruning-age": pruned_pools,
    "aging": aged,
    "veeam-job": veeam_jobs,
    "mediaagents": media_agents,
    "full-success": plans,
    "retention": rules,
    "veeam-efficiency": graded_jobs,
    "source": sources,
}
