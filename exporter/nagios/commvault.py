"""Commvault: what waits for deletion, what ages and is pruned, who carries it, and what the rules say."""

from __future__ import annotations

import math
from collections.abc import Iterator

from nagiosplugin import Performance

from exporter.nagios.check import Check, Data, name_of, performance
from exporter.nagios.verdict import Finding, State

_DAY = 86400.0
_PENDING, _DDB = "ebbtide_commvault_ddb_pending_deletes", "ebbtide_commvault_ddb_info"
_ONLINE, _MAINTENANCE = "ebbtide_commvault_mediaagent_online", "ebbtide_commvault_mediaagent_maintenance"
_FULLS, _FAILED_FULLS = "ebbtide_commvault_plan_full_jobs_30d", "ebbtide_commvault_plan_failed_full_jobs_30d"
_FAILED, _FAILED_JOBS = "ebbtide_commvault_operation_failed_jobs_24h", "ebbtide_commvault_operation_failed_jobs"
_PRUNED, _PRUNE_DATES = "ebbtide_pool_last_prune_timestamp_seconds", "ebbtide_pool_prune_dates_30d"
_OBSERVED, _INGESTED = "ebbtide_pool_observed_dates_30d", "ebbtide_pool_ingested_bytes_total"
_IMMUTABLE = "ebbtide_veeam_repository_immutable_seconds"
_POOL, _MANAGED = "ebbtide_pool_info", "ebbtide_commvault_pool_managed_disk_space_enabled"

# Answered by Prometheus only.
_SLOPE, _TAKES_IN = "slope", "takes_in"


def _pending_deletes(data: Data) -> Iterator[Finding]:
    pools = {s.at("source", "ddb"): s.labels.get("pool", "") for s in data.samples.of(_DDB)}
    slopes = data.samples.values(_SLOPE, "source", "ddb")
    for sample in data.of(_PENDING, "ddb"):
        name, key = name_of(sample, "ddb"), sample.at("source", "ddb")
        limits = data.by_severity(_PENDING, sample.labels, "{}")
        state, text = limits.state(sample.value), f"has {sample.value:.0f} pending deletes"
        # A long queue that drains needs time and nobody; without Prometheus it is not known to drain.
        if state is State.CRITICAL and slopes.get(key, 0.0) < 0:
            state, text = State.WARNING, f"{text}, and they get fewer"
        if key not in pools:
            state = State.OK
        shown = performance(name, sample.value, "", limits, 0)
        yield Finding(name, state, text, -sample.value, shown)


def _pruning_age(data: Data) -> Iterator[Finding]:
    pruned, dates = (data.samples.values(metric, "source", "kind", "pool") for metric in (_PRUNED, _PRUNE_DATES))
    observed = data.samples.values(_OBSERVED, "source", "kind", "pool")
    worm = {s.at("source", "kind", "pool") for s in data.samples.of(_POOL, worm="true")}
    immutable = {key for key, seconds in data.samples.values(_IMMUTABLE, "source", "pool").items() if seconds > 0}
    managed = {s.at("source", "pool") for s in data.samples.of(_MANAGED) if s.value == 1}
    takes_in = data.samples.values(_TAKES_IN, "source", "kind", "pool")
    enough = data.threshold("ebbtide_pool_observed_dates", {}, alert="EbbtideNoPruning")
    oldest = data.threshold("ebbtide_pool_last_prune_age_seconds", {}, alert="EbbtideNoPruning")
    for sample in data.of(_INGESTED, "pool"):
        if sample.labels.get("kind") not in ("commvault", "veeam"):
            continue
        name, key = name_of(sample, "pool"), sample.at("source", "kind", "pool")
        limits = data.limits("{}", oldest)
        if key in worm or sample.at("source", "pool") in managed | immutable:
            yield Finding(name, State.OK, "waits on purpose: WORM, immutability or managed disk space")
            continue
        # Without Prometheus: whether it ever took in anything.
        idle = takes_in.get(key, sample.value if not takes_in else 0.0) <= 0
        if key in pruned:
            age = data.now - pruned[key]
            state, text = limits.state(age), f"was seen to free space {age / _DAY:.1f} days ago"
        elif dates.get(key) == 0 and enough is not None and observed.get(key, 0.0) >= enough:
            age, state, text = float("inf"), limits.state(float("inf")), "was not seen to free space in 30 days"
        else:
            yield Finding(name, State.OK, "has not been watched long enough")
            continue
        if idle:
            state, text = State.OK, f"{text}, and takes in nothing"
        yield Finding(name, state, text, -age, performance(name, age, "s", limits, 0))


def _media_agents(data: Data) -> Iterator[Finding | Performance]:
    maintained = {s.at("source", "mediaagent") for s in data.samples.of(_MAINTENANCE) if s.value == 1}
    agents = data.of(_ONLINE, "mediaagent")
    offline = [a for a in agents if a.value == 0 and a.at("source", "mediaagent") not in maintained]
    # The rules ask for every one; ranges are about their number.
    limits = data.limits("{}", None, 0.0) if data.selection.warning is None else data.limits("{}")
    state = limits.state(len(offline))
    for agent in agents:
        name = name_of(agent, "mediaagent")
        if agent in offline:
            yield Finding(name, state, "is offline")
        else:
            yield Finding(name, State.OK, "is online" if agent.value else "is offline for maintenance", 1.0)
    yield performance("online", sum(agent.value for agent in agents), least=0)
    yield performance("offline", len(offline), "", limits, 0)


def _most_by_chance(fulls: float, wanted: float | None, zscore: float | None) -> float:
    """How many of so many fulls may fail by bad luck where that share should succeed; as rules/alerts/backup.yaml."""
    if wanted is None or zscore is None:
        return math.inf
    return max(2.0, fulls * (1 - wanted) + zscore * math.sqrt(max(0.0, fulls * (1 - wanted) * wanted)))


def _full_success(data: Data) -> Iterator[Finding]:
    failed = data.samples.values(_FAILED_FULLS, "source", "plan")
    share = "ebbtide_commvault_plan_successful_full_jobs_per_full_jobs"
    enough = data.threshold("ebbtide_commvault_plan_full_jobs", {}, alert="EbbtideCommvaultFullsFailing")
    zscore = data.threshold("ebbtide_commvault_plan_failed_full_jobs_zscore", {}, alert="EbbtideCommvaultFullsFailing")
    for sample in data.of(_FULLS, "plan"):
        name, key = name_of(sample, "plan"), sample.at("source", "plan")
        if not sample.value or enough is None or sample.value < enough or key not in failed:
            yield Finding(name, State.OK, f"had {sample.value:.0f} fulls in 30 days, too few to judge", 101.0)
            continue
        limits = data.by_severity(share, sample.labels, "{}:", 100)
        percent = (1 - failed[key] / sample.value) * 100
        text = f"had {percent:.1f}% of its {sample.value:.0f} fulls succeed in 30 days"
        wanted = data.threshold(share, sample.labels, severity="warning")
        by_chance = failed[key] <= _most_by_chance(sample.value, wanted, zscore)
        state = State.OK if by_chance else limits.state(percent)
        yield Finding(name, state, text, percent, performance(name, percent, "%", limits))


def _aging(data: Data) -> Iterator[Finding]:
    for sample in data.of(_FAILED, operation="data_aging"):
        name, most = name_of(sample), data.threshold(_FAILED_JOBS, {}, alert="EbbtideCommvaultAgingFailing")
        limits = data.limits("{}", None, None if most is None else most - 1)
        text = f"had {sample.value:.0f} data aging jobs fail in 24 hours"
        yield Finding(
            name, limits.state(sample.value), text, -sample.value, performance(name, sample.value, "", limits, 0)
        )


CHECKS = (
    Check(
        "pending-deletes",
        "Aged records that wait for deletion, by DDB.",
        "DDBs",
        ("EbbtideCommvaultPendingDeletesHigh",),
        (_PENDING, _DDB),
        _pending_deletes,
        collectors=("dedup_stores",),
        kinds=("commvault",),
        problem="pruning_frees_nothing",
        asks={_SLOPE: f"deriv({_PENDING}[6h])"},
    ),
    Check(
        "aging",
        "Data aging jobs that failed in 24 hours.",
        "CommCells",
        ("EbbtideCommvaultAgingFailing",),
        (_FAILED,),
        _aging,
        collectors=("jobs",),
        kinds=("commvault",),
        problem="aging_fails",
    ),
    Check(
        "pruning-age",
        "Time since pools that take in data were seen to free space; seconds.",
        "pools",
        ("EbbtideNoPruning",),
        (_PRUNED, _PRUNE_DATES, _OBSERVED, _INGESTED, _POOL, _MANAGED, _IMMUTABLE),
        _pruning_age,
        collectors=("pools",),
        kinds=("commvault", "veeam"),
        problem="pruning_frees_nothing",
        asks={_TAKES_IN: f"increase({_INGESTED}[1d])"},
    ),
    Check(
        "mediaagents",
        "MediaAgents that are offline and not in maintenance; their number.",
        "MediaAgents",
        ("EbbtideCommvaultMediaAgentOffline",),
        (_ONLINE, _MAINTENANCE),
        _media_agents,
        collectors=("media_agents",),
        kinds=("commvault",),
    ),
    Check(
        "full-success",
        "Fulls that did not fail in 30 days, by plan; percent.",
        "plans",
        ("EbbtideCommvaultFullsFailing",),
        (_FULLS, _FAILED_FULLS),
        _full_success,
        collectors=("plans", "cycles"),
        kinds=("commvault",),
    ),
)
