"""Pools and filesystems: how much is free, and for how long."""

from __future__ import annotations

from collections.abc import Iterator

from nagiosplugin import Performance

from exporter.nagios.check import Check, Data, name_of, performance
from exporter.nagios.verdict import Finding, Limits, State

DAY = 86400.0
_FREE, _SIZE, _TO_FULL = "ebbtide_pool_free_ratio", "ebbtide_pool_free_bytes", "ebbtide_pool_time_to_full_seconds"
_HISTORY, _READONLY = "ebbtide_pool_forecast_history_seconds", "ebbtide_filesystem_readonly"
_INODES, _INODES_FREE = "ebbtide_filesystem_files", "ebbtide_filesystem_files_free"
_OBJECT = ("source", "kind", "pool")


def _pools(data: Data, **kind: str) -> Iterator[Finding | Performance]:
    read_only = data.samples.values(_READONLY, "source", "pool")
    bytes_free = data.samples.values(_SIZE, *_OBJECT)
    samples = data.of(_FREE, "pool", **kind)
    for sample in samples:
        name, percent = name_of(sample, "pool"), sample.value * 100
        if read_only.get(sample.at("source", "pool")) == 1:
            yield Finding(name, State.OK, "is mounted read-only", percent)
            continue
        limits = data.by_severity(_FREE, sample.labels, "{}:", 100)
        shown = performance(name, percent, "%", limits)
        yield Finding(name, limits.state(percent), f"has {percent:.2f}% free", percent, shown)
    if len(samples) == 1 and samples[0].at(*_OBJECT) in bytes_free:
        yield performance("free", bytes_free[samples[0].at(*_OBJECT)], "B", least=0)


def _filesystems(data: Data) -> Iterator[Finding | Performance]:
    yield from _pools(data, kind="filesystem")
    inodes, read_only = (data.samples.values(metric, "source", "pool") for metric in (_INODES, _READONLY))
    for sample in data.of(_INODES_FREE, "pool"):
        key, limits = (
            sample.at("source", "pool"),
            data.by_severity("ebbtide_filesystem_files_free_ratio", sample.labels, "{}:", 100),
        )
        if inodes.get(key, 0.0) > 0 and read_only.get(key) != 1:
            percent = sample.value / inodes[key] * 100
            name = f"{name_of(sample, 'pool')} inodes"
            yield Finding(
                name,
                limits.state(percent),
                f"are {percent:.2f}% free",
                percent,
                performance(name, percent, "%", limits),
            )


def _time_to_full(data: Data) -> Iterator[Finding]:
    history, free = data.samples.values(_HISTORY, *_OBJECT), data.samples.values(_FREE, *_OBJECT)
    read_only = data.samples.values(_READONLY, "source", "pool")
    for sample in data.of(_TO_FULL, "pool"):
        name, key = name_of(sample, "pool"), sample.at(*_OBJECT)
        limits = data.by_severity(_TO_FULL, sample.labels, "{}:")
        plenty = data.threshold(_FREE, {}, alert="EbbtidePoolFullSoon")
        if read_only.get(sample.at("source", "pool")) == 1 or plenty is None or free.get(key, 1.0) >= plenty:
            limits = Limits()
        limits = Limits(
            *(
                limit if _rests_on_enough(data, history.get(key), severity) else None
                for severity, limit in (("warning", limits.warning), ("critical", limits.critical))
            )
        )
        shown = performance(name, sample.value, "s", limits)
        yield Finding(name, limits.state(sample.value), _full_in(sample.value), sample.value, shown)


def _rests_on_enough(data: Data, history: float | None, severity: str) -> bool:
    """Whether a forecast of so many seconds of history may raise that severity."""
    least = data.threshold(_HISTORY, {}, severity=severity)
    return least is not None and history is not None and history > least


def _full_in(seconds: float) -> str:
    if seconds == float("inf"):
        return "is not full within a year"
    return f"is full in {seconds / DAY:.1f} days"


CHECKS = (
    Check(
        "pool",
        "Free space of pools: storage pools, repositories, filesystems; percent.",
        "pools",
        ("EbbtidePoolNearlyFull",),
        (_FREE, _SIZE, _READONLY),
        _pools,
        collectors=("pools", "mounts"),
        kinds=("commvault", "veeam"),
        problem="pool_full",
    ),
    Check(
        "filesystem",
        "Free space and inodes of mounted filesystems; percent.",
        "filesystems and inodes",
        ("EbbtidePoolNearlyFull", "EbbtideFilesystemInodesLow"),
        (_FREE, _SIZE, _READONLY, _INODES, _INODES_FREE),
        _filesystems,
        collectors=("mounts",),
        kinds=("filesystem",),
    ),
    Check(
        "time-to-full",
        "Time until pools are full, by the median of the forecast; seconds.",
        "forecasts",
        ("EbbtidePoolFullSoon",),
        (_TO_FULL, _HISTORY, _FREE, _READONLY),
        _time_to_full,
        collectors=("pools", "mounts"),
        problem="pool_full",
    ),
)
