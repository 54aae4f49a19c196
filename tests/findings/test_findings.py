"""What follows from what a source said."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from exporter.errors import HistoryError
from exporter.findings import Findings
from exporter.findings.config import ForecastSettings
from exporter.findings.forecasts import forecast_pools
from exporter.findings.names import distinct
from exporter.history import FloatArray, Series
from exporter.history.sql import SqlHistory
from exporter.model import (
    DAY,
    GIBIBYTE,
    HOUR,
    BackupChain,
    BackupJob,
    Copy,
    CycleAnalysis,
    DedupStore,
    Group,
    Inventory,
    MediaAgent,
    Mount,
    Plan,
    Plans,
    PolicyFulls,
    Pool,
    PoolForecast,
    Reduction,
    RetentionRule,
)
from tests.conftest import AtOnce
from tests.inventories import AT

RULE = RetentionRule(rule="basic", retention_seconds=14 * DAY, cycles=2.0, aging_enabled=True)
FULLS = PolicyFulls(policy_id="3", full_interval_seconds=7 * DAY, last_incremental_gap_seconds=DAY)
WEEKLY = CycleAnalysis((FULLS,), ())
CHAIN = BackupChain(
    backup="b1", job="Daily", job_id="j1", repository="Repo", repository_id="r1", files=4, data_bytes=400.0,
    stored_bytes=100.0, deduplicated_bytes=200.0, oldest_at=AT - 9 * DAY, newest_at=AT,
)  # fmt: skip
REPOSITORY = Pool(kind="veeam", name="Repo", id="r1")


def plans(*rules: RetentionRule, policy_id: str = "3") -> Plans:
    copy = Copy(id="5", name="Primary", pool="Old name", pool_id="1", rules=rules)
    return Plans(plans=(Plan(id="4", name="Gold", policy="Gold", policy_id=policy_id, copies=(copy,)),))


def findings(**fields: object) -> Findings:
    return Findings("cs01", Inventory(**fields), AT)  # type: ignore[arg-type]


def test_a_source_that_said_nothing_has_no_findings() -> None:
    nothing = findings()
    for name in ("pools", "mounts", "scans", "dedup_stores", "media_agents", "rules", "plans", "operations",
                 "backup_jobs", "forecasts", "libraries", "mount_paths", "pool_agents", "prunings", "prune_windows",
                 "commcells", "rule_changes", "service_levels", "alerts", "events", "logs", "retention",
                 "reductions", "job_reductions"):  # fmt: skip
        assert list(getattr(nothing, name)) == []


# Retention


def test_fourteen_days_and_two_cycles_of_weekly_fulls_keep_a_full_for_twenty_days() -> None:
    [one] = findings(plans=plans(RULE), cycles=WEEKLY).retention
    assert (one.earliest_seconds, one.latest_seconds) == (14 * DAY, 20 * DAY)
    assert (one.kind, one.plan, one.copy, one.rule) == ("commvault", "Gold", "Primary", "basic")
    assert (one.semantics, one.method) == ("vendor", "formula")


def test_a_rule_whose_cycles_cannot_be_timed_makes_no_statement() -> None:
    assert findings(plans=plans(RULE)).retention == []
    assert findings(plans=plans(RULE, policy_id="4"), cycles=WEEKLY).retention == []


def test_an_extended_rule_keeps_by_days_alone() -> None:
    extended = replace(RULE, rule="extended_1", retention_seconds=365 * DAY, cycles=None)
    [one] = findings(plans=plans(extended), cycles=WEEKLY).retention
    assert (one.earliest_seconds, one.latest_seconds) == (365 * DAY, 365 * DAY)


def test_a_copy_that_does_not_age_keeps_for_ever() -> None:
    [one] = findings(plans=plans(replace(RULE, aging_enabled=False))).retention
    assert one.earliest_seconds == one.latest_seconds == math.inf


def test_a_plan_is_told_how_often_its_fulls_really_run() -> None:
    [gold] = findings(plans=plans(RULE), cycles=WEEKLY).plans
    assert gold.fulls == FULLS
    [other] = findings(plans=plans(RULE, policy_id="4"), cycles=WEEKLY).plans
    assert other.fulls is None


def test_veeam_keeps_as_long_as_its_oldest_file_is_old() -> None:
    chains = (
        CHAIN,
        replace(CHAIN, backup="b2", oldest_at=AT - 30 * DAY),
        replace(CHAIN, backup="b3", job="Weekly", job_id="j2", oldest_at=AT + 60),
        replace(CHAIN, backup="b4", job="New", job_id="j3", oldest_at=None),
        replace(CHAIN, backup="b5", job="", job_id="", oldest_at=AT - 900 * DAY),
    )
    found = {r.plan: r for r in findings(backups=chains).retention}
    assert {plan: (r.earliest_seconds, r.latest_seconds) for plan, r in found.items()} == {
        "Daily": (None, 30 * DAY),
        "Weekly": (None, 0.0),
    }
    assert found["Daily"].method == "oldest_file"


# Names


def test_names_that_are_not_unique_are_told_apart_by_id() -> None:
    pools = tuple(Pool(kind="commvault", name=n, id=i) for n, i in (("Gold", "1"), ("Gold", "2"), ("Silver", "3")))
    assert [p.name for p in findings(pools=pools).pools] == ["Gold (#1)", "Gold (#2)", "Silver"]
    agents = (MediaAgent(id="1", name="ma"), MediaAgent(id="2", name="ma"))
    assert [a.name for a in findings(media_agents=agents).media_agents] == ["ma (#1)", "ma (#2)"]
    stores = (DedupStore(id="1", name="ddb"), DedupStore(id="2", name="ddb"))
    assert [d.store.name for d in findings(dedup_stores=stores).dedup_stores] == ["ddb (#1)", "ddb (#2)"]
    jobs = (BackupJob(id="1", name="j"), BackupJob(id="2", name="j"))
    assert [j.name for j in findings(backup_jobs=jobs).backup_jobs] == ["j (#1)", "j (#2)"]


def test_a_record_without_an_id_keeps_its_name() -> None:
    mounts = [Pool(kind="filesystem", name="/data"), Pool(kind="filesystem", name="/data", id="9")]
    assert [p.name for p in distinct(mounts, lambda p: p.name, lambda p, n: replace(p, name=n))] == [
        "/data", "/data (#9)",
    ]  # fmt: skip


def test_a_pool_belongs_to_whom_its_group_says() -> None:
    mount = Mount(pool=Pool(kind="filesystem", name="/"), device="d", fstype="ext4", read_only=False)
    found = Findings(
        "fs01", Inventory(pools=(Pool(kind="veeam", name="Repo"),), mounts=(mount,)), AT,
        lambda source, pool: Group(business_unit=f"{source} {pool}"),
    ).pools  # fmt: skip
    assert [p.group.business_unit for p in found] == ["fs01 Repo", "fs01 /"]


# Reductions


def test_reductions_of_backups_in_one_repository_are_weighted_by_size() -> None:
    """400 to 200 to 100 and 3600 to 900 to 900: together 4000 to 1100 to 1000."""
    big = replace(CHAIN, backup="b2", data_bytes=3600.0, deduplicated_bytes=900.0, stored_bytes=900.0)
    [one] = findings(pools=(REPOSITORY,), backups=(CHAIN, big)).reductions
    assert (one.kind, one.pool, one.logical_bytes, one.stored_bytes) == ("veeam", "Repo", 4000.0, 1000.0)
    assert one.dedup_ratio == pytest.approx(4000 / 1100)
    assert one.compression_ratio == pytest.approx(1100 / 1000)
    assert one.dedup_ratio is not None
    assert one.compression_ratio is not None
    assert one.dedup_ratio * one.compression_ratio == pytest.approx(4.0)


def test_a_backup_that_does_not_tell_its_deduplication_is_left_out_of_the_ratios_and_not_of_the_sums() -> None:
    silent = replace(CHAIN, backup="b2", data_bytes=9e9, deduplicated_bytes=None, stored_bytes=1.0)
    [one] = findings(pools=(REPOSITORY,), backups=(CHAIN, silent)).reductions
    assert (one.dedup_ratio, one.compression_ratio) == (2.0, 2.0)
    assert one.stored_bytes == 101.0
    [alone] = findings(pools=(REPOSITORY,), backups=(silent,)).reductions
    assert (alone.dedup_ratio, alone.compression_ratio) == (None, None)


def test_a_backup_that_stores_nothing_has_no_ratio() -> None:
    empty = replace(CHAIN, stored_bytes=0.0)
    [one] = findings(pools=(REPOSITORY,), backups=(empty,)).reductions
    assert (one.dedup_ratio, one.compression_ratio) == (None, None)
    silent = replace(CHAIN, backup="b2", deduplicated_bytes=None)
    [both] = findings(pools=(REPOSITORY,), backups=(empty, silent)).reductions
    assert (both.dedup_ratio, both.compression_ratio) == (2.0, None)


def test_a_reduction_goes_by_the_name_of_its_pool() -> None:
    """The one that dashboards join on: also where two pools share a name, and after a rename."""
    pools = (
        Pool(kind="c", name="Gold", id="1"),
        Pool(kind="c", name="Gold", id="2"),
        Pool(kind="v", name="R", id="r1"),
    )
    told = Reduction(kind="commvault", pool="Gold", pool_id="2", dedup_ratio=8.0)
    found = findings(pools=pools, dedup_savings=(told,), backups=(CHAIN,)).reductions
    assert [r.pool for r in found] == ["Gold (#2)", "R"]


def test_files_on_a_scale_out_repository_belong_to_no_pool() -> None:
    """Its extents are the pools, and a file does not say on which of them it lies."""
    found = findings(pools=(REPOSITORY,), backups=(replace(CHAIN, repository_id="sobr"),))
    assert found.reductions == []
    assert [r.job for r in found.job_reductions] == ["Daily"]


def test_a_job_sums_its_backups_and_goes_by_its_present_name() -> None:
    chains = (
        CHAIN,
        replace(CHAIN, backup="b2", repository="Other", files=1),
        replace(CHAIN, backup="b3", job="", job_id=""),
    )
    renamed = (BackupJob(id="j1", name="Nightly"),)
    [one] = findings(backups=chains, backup_jobs=renamed).job_reductions
    assert (one.job, one.files, one.logical_bytes, one.stored_bytes) == ("Nightly", 5, 800.0, 200.0)
    assert (one.dedup_ratio, one.compression_ratio) == (2.0, 2.0)


# Forecasts


def filled(pool: str, used: FloatArray, capacity: float) -> SqlHistory:
    history = SqlHistory("sqlite://", resolution=1.0, raw=100 * DAY)
    for hour, one in enumerate(used):
        labels = {"source": "cs01", "kind": "commvault", "pool": pool}
        samples = [
            ("ebbtide_pool_free_bytes", labels, capacity - float(one)),
            ("ebbtide_pool_capacity_bytes", labels, capacity),
        ]
        history.append(samples, AT - (used.size - 1 - hour) * HOUR)
    return history


def test_a_pool_is_forecast_from_its_own_past() -> None:
    used = 500.0 * GIBIBYTE + np.arange(30 * 24) * GIBIBYTE
    history = filled("Gold", used, 2000.0 * GIBIBYTE)
    pool = Pool(kind="commvault", name="Gold", capacity_bytes=2000.0 * GIBIBYTE, free_bytes=781.0 * GIBIBYTE)
    [one] = forecast_pools("cs01", [pool], history, AT, AtOnce(), ForecastSettings())
    history.close()
    assert (one.kind, one.pool, one.status) == ("commvault", "Gold", "ok")
    assert one.p50_seconds == pytest.approx(781 * HOUR, rel=0.01)
    assert one.fill_bytes_per_second == pytest.approx(GIBIBYTE / HOUR, rel=0.005)
    assert (one.method, one.season_seconds, one.anomalous, one.outliers) == ("simulation", 0.0, False, 0)
    for horizon, days in (("30d", 30), ("90d", 90)):
        assert one.used_bytes[horizon] == pytest.approx((1219 + 24 * days) * GIBIBYTE, rel=0.02)
    # 210 days from now, at 85 %.
    assert one.recommended_capacity_bytes == pytest.approx((1219 + 24 * 210) * GIBIBYTE / 0.85, rel=0.35)
    # 1,700 GiB are reached in 20 days, and an order takes 30.
    assert one.order_by_at == pytest.approx(AT - 10 * DAY, abs=1.2 * DAY)
    assert one.history_seconds == pytest.approx(719 * HOUR, abs=DAY)


def test_a_forecast_counts_from_now_and_not_from_the_last_reading() -> None:
    used = 500.0 * GIBIBYTE + np.arange(30 * 24) * GIBIBYTE
    history = filled("Gold", used, 2000.0 * GIBIBYTE)
    pool = Pool(kind="commvault", name="Gold", capacity_bytes=2000.0 * GIBIBYTE, free_bytes=781.0 * GIBIBYTE)
    [now] = forecast_pools("cs01", [pool], history, AT, AtOnce(), ForecastSettings())
    [later] = forecast_pools("cs01", [pool], history, AT + 10 * HOUR, AtOnce(), ForecastSettings())
    [too_late] = forecast_pools(
        "cs01",
        [replace(pool, capacity_bytes=1220.0 * GIBIBYTE)],
        history,
        AT + HOUR * 9,
        AtOnce(),
        ForecastSettings(),
    )
    history.close()
    assert now.p50_seconds is not None
    assert later.p50_seconds == pytest.approx(now.p50_seconds - 10 * HOUR)
    assert too_late.p50_seconds == 0.0


def test_an_extended_pool_did_not_lose_data() -> None:
    """Used is capacity minus free of the same moment."""
    history = SqlHistory("sqlite://", resolution=1.0)
    labels = {"source": "cs01", "kind": "commvault", "pool": "Gold"}
    for hour in range(20 * 24):
        capacity = 1000.0 if hour < 240 else 2000.0
        free = capacity - 500.0 - hour / 24
        samples = [("ebbtide_pool_free_bytes", labels, free), ("ebbtide_pool_capacity_bytes", labels, capacity)]
        history.append(samples, AT - (479 - hour) * HOUR)
    pool = Pool(kind="commvault", name="Gold", capacity_bytes=2000.0, free_bytes=1480.0)
    [one] = forecast_pools("cs01", [pool], history, AT, AtOnce(), ForecastSettings())
    history.close()
    assert one.fill_bytes_per_second == pytest.approx(1 / DAY, rel=0.01)


def test_the_time_a_pool_sat_full_before_it_was_extended_is_no_calm_time() -> None:
    """10 days growing by 5, 20 days full at 600, extended, since then 5 days growing by 5."""
    history = SqlHistory("sqlite://", resolution=1.0)
    labels = {"source": "cs01", "kind": "commvault", "pool": "Gold"}
    for hour in range(35 * 24 + 1):
        day = hour / 24
        used = 550 + 5 * day if day < 10 else 600.0 if day < 30 else 600 + 5 * (day - 30)
        capacity = 602.0 if day < 30 else 800.0
        samples = [
            ("ebbtide_pool_free_bytes", labels, capacity - used),
            ("ebbtide_pool_capacity_bytes", labels, capacity),
        ]
        history.append(samples, AT - (35 * 24 - hour) * HOUR)
    pool = Pool(kind="commvault", name="Gold", capacity_bytes=800.0, free_bytes=175.0)
    [one] = forecast_pools("cs01", [pool], history, AT, AtOnce(), ForecastSettings())
    history.close()
    assert one.p50_seconds == pytest.approx(35 * DAY, rel=0.05)
    assert one.history_seconds == pytest.approx(35 * DAY, abs=DAY)


@pytest.mark.parametrize(
    "sizes", [{"capacity_bytes": 100.0}, {"free_bytes": 5.0}, {"capacity_bytes": 0.0, "free_bytes": 0.0}]
)
def test_a_pool_without_size_is_not_forecast(sizes: dict[str, float]) -> None:
    history = SqlHistory("sqlite://")
    pool = Pool(kind="commvault", name="Cloud", **sizes)  # type: ignore[arg-type]
    assert forecast_pools("cs01", [pool], history, AT, AtOnce(), ForecastSettings()) == ()
    history.close()


def test_a_pool_without_a_past_says_so_and_nothing_else() -> None:
    history = SqlHistory("sqlite://")
    pool = Pool(kind="commvault", name="New", capacity_bytes=100.0, free_bytes=50.0)
    [one] = forecast_pools("cs01", [pool], history, AT, AtOnce(), ForecastSettings())
    history.close()
    assert one == PoolForecast(kind="commvault", pool="New", status="no_data", history_seconds=0.0)


def test_a_history_that_cannot_be_read_is_an_error_and_no_empty_past() -> None:
    class Broken:
        def ranges(self, *_: object) -> Series:
            raise HistoryError("gone")

    pool = Pool(kind="commvault", name="Gold", capacity_bytes=100.0, free_bytes=50.0)
    with pytest.raises(HistoryError, match="gone"):
        forecast_pools("cs01", [pool], Broken(), AT, AtOnce(), ForecastSettings())  # type: ignore[arg-type]


def test_the_forecast_of_a_pool_that_vanished_or_shows_no_size_is_withheld() -> None:
    gold, gone = (PoolForecast(kind="commvault", pool=n, status="ok", history_seconds=1.0) for n in ("Gold", "Gone"))
    pool = Pool(kind="commvault", name="Gold", capacity_bytes=1.0, free_bytes=1.0)
    assert findings(forecasts=(gold, gone), pools=(pool,)).forecasts == [gold]
    assert findings(forecasts=(gold, gone)).forecasts == []
