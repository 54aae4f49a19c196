"""Commvault: deduplication databases, MediaAgents, libraries, and what keeps their data from being freed."""

from __future__ import annotations

from exporter.findings.storage import StoreFinding
from exporter.metrics.family import Subject, counter, counters, gauge, gauge_by, info, stateset
from exporter.model import DEDUP_STORE_STATUSES

PRUNING_FEEDS = ("space", "pools", "cycles", "plans", "retained_jobs")
COMMVAULT_POOL = Subject(
    ("pool",),
    PRUNING_FEEDS,
    lambda f: [p for p in f.prunings if p.kind == "commvault"],
    lambda p: (p.pool,),
)
PRUNE_WINDOW = Subject((), ("operation_windows", "commcell"), lambda f: f.prune_windows, lambda _: ())
DDB = Subject(
    ("ddb",),
    ("dedup_stores", "commserve_database", "media_agent_logs"),
    lambda f: f.dedup_stores,
    lambda d: (d.store.name,),
)
MEDIA_AGENT = Subject(("mediaagent",), ("media_agents",), lambda f: f.media_agents, lambda m: (m.name,))
POOL_AGENT = Subject(
    ("pool", "mediaagent"), ("libraries", "dedup_stores", "pools"), lambda f: f.pool_agents, lambda edge: edge
)
LIBRARY = Subject(("library",), ("libraries",), lambda f: f.libraries, lambda found: (found.name,))
MOUNT_PATH = Subject(
    ("library", "mountpath"), ("libraries", "pools"), lambda f: f.mount_paths, lambda m: (m.library, m.path.name)
)
LOGS = Subject((), ("media_agent_logs",), lambda f: f.logs, lambda _: ())
DAY_S = 86400.0


def _volume_free_ratio(found: StoreFinding) -> float | None:
    parts = [(p.volume_free_bytes, p.volume_capacity_bytes) for p in found.store.partitions]
    return min((free / capacity for free, capacity in parts if free is not None and capacity), default=None)


def _prune_mode(found: StoreFinding) -> str:
    return "" if found.macro is None else "macro" if found.macro else "micro"


FAMILIES = (
    gauge("ebbtide_commvault_pool_managed_disk_space_enabled", "1 if a copy in the pool prunes only when its disk is nearly full.", COMMVAULT_POOL, lambda p: p.managed_disk_space),
    gauge("ebbtide_commvault_pool_extended_retention_jobs", "Jobs in the pool that an extended rule keeps: their blocks stay, and with them those of jobs that have aged.", COMMVAULT_POOL, lambda p: p.extended_jobs),
    gauge_by("ebbtide_commvault_plan_pool_retained_bytes", "Size on media, when written, of the jobs of a plan that the pool keeps.", COMMVAULT_POOL, "plan", lambda p: p.plan_bytes),
    gauge("ebbtide_commvault_prune_window_blocked", "1 while an operation window of the CommCell forbids pruning. Windows of single MediaAgents are not asked for.", PRUNE_WINDOW, lambda blocked: blocked),

    info("ebbtide_commvault_ddb_info", "A deduplication database (DDB); join on source and ddb. prune_mode=macro: freed only as a whole, as on WORM storage.", DDB, ("ddb_id", "pool", "prune_mode"), lambda d: (d.store.id, d.store.pool, _prune_mode(d))),
    stateset("ebbtide_commvault_ddb_status", "1 for the state the DDB is in.", DDB, "status", DEDUP_STORE_STATUSES, lambda d: d.store.status),
    gauge("ebbtide_commvault_ddb_pending_deletes", "Aged records that wait for physical deletion, over all partitions.", DDB, lambda d: d.pending_deletes, kept=True),
    gauge("ebbtide_commvault_ddb_bytes_to_prune", "Data behind the pending deletes, as the CommServe database says.", DDB, lambda d: d.usage and d.usage.bytes_to_prune),
    gauge("ebbtide_commvault_ddb_primary_entries", "Unique blocks in the DDB.", DDB, lambda d: d.store.primary_entries if d.store.primary_entries is not None else d.usage and d.usage.primary_entries),
    gauge("ebbtide_commvault_ddb_secondary_entries", "References to blocks in the DDB; by the primary entries they tell how often a block is used.", DDB, lambda d: d.usage and d.usage.secondary_entries),
    gauge("ebbtide_commvault_ddb_size_bytes", "Size of the DDB itself, as the CommServe database says.", DDB, lambda d: d.usage and d.usage.size_bytes),
    gauge("ebbtide_commvault_ddb_sealed_timestamp_seconds", "When the DDB was sealed; absent while it is active.", DDB, lambda d: d.store.sealed_at),
    gauge("ebbtide_commvault_ddb_pruning_enabled", "1 if pruning is enabled on the DDB.", DDB, lambda d: d.store.pruning_enabled),
    gauge("ebbtide_commvault_ddb_maintenance", "1 while the DDB is under maintenance.", DDB, lambda d: d.store.under_maintenance),
    gauge("ebbtide_commvault_ddb_needs_resync", "1 if the DDB waits for a resynchronisation with the CommServe database.", DDB, lambda d: d.store.needs_resync),
    gauge("ebbtide_commvault_ddb_query_insert_duration_seconds", "Mean time of a query and insert (Q&I), slowest partition; the vendor warns from 0.002.", DDB, lambda d: d.store.lookup_seconds if d.store.lookup_seconds is not None else d.usage and d.usage.lookup_seconds),
    gauge("ebbtide_commvault_ddb_partitions", "Partitions of the DDB.", DDB, lambda d: len(d.store.partitions) or None),
    gauge("ebbtide_commvault_ddb_partitions_not_active", "Of these, the ones that are offline or corrupted, or in a state unknown.", DDB, lambda d: sum(p.status != "active" for p in d.store.partitions) if d.store.partitions else None),
    gauge("ebbtide_commvault_ddb_volume_free_ratio", "Free space of the volume with a partition of the DDB, 0 to 1; the fullest one.", DDB, _volume_free_ratio),
    gauge("ebbtide_commvault_ddb_last_backup_timestamp_seconds", "When the DDB was last backed up; its partition that lags most.", DDB, lambda d: d.store.last_backup_at),
    gauge("ebbtide_commvault_ddb_last_mark_and_sweep_timestamp_seconds", "When unused chunks were last looked for, by the CommServe database or a MediaAgent log.", DDB, lambda d: d.last_mark_and_sweep_at),
    gauge("ebbtide_commvault_ddb_last_physical_prune_timestamp_seconds", "When chunks were last deleted, by the CommServe database or a MediaAgent log.", DDB, lambda d: d.last_physical_pruning_at),
    gauge("ebbtide_commvault_ddb_last_logical_prune_timestamp_seconds", "When records were last pruned from the DDB, by a MediaAgent log.", DDB, lambda d: d.evidence and d.evidence.logical_pruning_at),
    gauge("ebbtide_commvault_ddb_pruning_disabled_timestamp_seconds", "When a MediaAgent log last said that pruning of the DDB was switched off; absent once it says that it is on.", DDB, lambda d: d.evidence and d.evidence.pruning_disabled_at),
    gauge("ebbtide_commvault_ddb_corrupted_timestamp_seconds", "When a MediaAgent log last said that the DDB was marked as corrupted.", DDB, lambda d: d.evidence and d.evidence.corrupted_at),
    gauge_by("ebbtide_commvault_ddb_files_awaiting_pruning", "Aged files that wait for pruning, by the vendor's failure code; code=0: none. Counted up to a limit.", DDB, "code", lambda d: d.waiting_files or {}),

    info("ebbtide_commvault_mediaagent_info", "A MediaAgent; join on source and mediaagent.", MEDIA_AGENT, ("mediaagent_id", "version", "os"), lambda m: (m.id, m.version, m.os)),
    gauge("ebbtide_commvault_mediaagent_online", "1 online, 0 offline; absent while the CommServe does not say.", MEDIA_AGENT, lambda m: m.online),
    gauge("ebbtide_commvault_mediaagent_maintenance", "1 in maintenance mode.", MEDIA_AGENT, lambda m: m.maintenance),
    gauge("ebbtide_commvault_mediaagent_offline_reason", "The vendor's number for why the MediaAgent is offline; 0: none. Its meanings are not published.", MEDIA_AGENT, lambda m: m.offline_reason),
    gauge("ebbtide_commvault_mediaagent_offline_since_timestamp_seconds", "When the MediaAgent was first seen offline; absent while it is not.", MEDIA_AGENT, lambda m: m.offline_since),
    info("ebbtide_commvault_pool_mediaagent_info", "The MediaAgent carries a mount path or a part of a DDB of the pool.", POOL_AGENT, (), lambda _: ()),

    info("ebbtide_commvault_library_info", "A library; join on source and library.", LIBRARY, ("library_id", "library_type"), lambda b: (b.id, b.library_type)),
    gauge("ebbtide_commvault_library_online", "1 if the library is online.", LIBRARY, lambda b: b.online),
    info("ebbtide_commvault_mountpath_info", "A mount path of a library and its MediaAgents, separated by commas.", MOUNT_PATH, ("pool", "mediaagents"), lambda m: (m.pool, ",".join(m.path.media_agents))),
    gauge("ebbtide_commvault_mountpath_online", "1 if the mount path is accessible.", MOUNT_PATH, lambda m: m.path.online),
    gauge("ebbtide_commvault_mountpath_enabled", "1 if the mount path is enabled.", MOUNT_PATH, lambda m: m.path.enabled),
    gauge("ebbtide_commvault_mountpath_writable", "0 if the mount path is disabled for new data.", MOUNT_PATH, lambda m: m.path.writable),
    gauge("ebbtide_commvault_mountpath_capacity_bytes", "Size of the mount path.", MOUNT_PATH, lambda m: m.path.capacity_bytes),
    gauge("ebbtide_commvault_mountpath_free_bytes", "Free space of the mount path; absent while it is offline.", MOUNT_PATH, lambda m: m.path.free_bytes),
    gauge("ebbtide_commvault_mountpath_logical_bytes", "Data in the mount path before deduplication.", MOUNT_PATH, lambda m: m.path.logical_bytes),
    gauge("ebbtide_commvault_mountpath_stored_bytes", "Data in the mount path after deduplication.", MOUNT_PATH, lambda m: m.path.stored_bytes),
    gauge("ebbtide_commvault_mountpath_freed_bytes_per_second", "What pruning freed, mean of the vendor's own look-back.", MOUNT_PATH, lambda m: None if m.path.freed_bytes_per_day is None else m.path.freed_bytes_per_day / DAY_S),
    gauge("ebbtide_commvault_mountpath_written_bytes_per_second", "What was written, mean of the vendor's own look-back.", MOUNT_PATH, lambda m: None if m.path.written_bytes_per_day is None else m.path.written_bytes_per_day / DAY_S),

    counters("ebbtide_commvault_mediaagent_log_lines_total", "Lines read from the logs of the MediaAgents.", LOGS, ("log",), lambda found: {(log,): n for log, n in found.lines.items()}),
    counters("ebbtide_commvault_mediaagent_log_bad_lines_total", "Of these, the ones that are not in the form of the log.", LOGS, ("log",), lambda found: {(log,): n for log, n in found.bad_lines.items()}),
    counter("ebbtide_commvault_mediaagent_log_deleted_chunks_total", "Chunks that the logs say were deleted.", LOGS, lambda found: found.deleted_chunks),
)  # fmt: skip
