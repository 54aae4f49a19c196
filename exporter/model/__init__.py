"""The vocabulary: what sources have, in bytes, seconds, unix seconds and ratios of 0 to 1.

None means unknown, and unknown is no sample. Infinite is math.inf. Moments are unix seconds (float).
Collector and Source are defined here and not in `sources/`, because every source needs the first and
`sources/` needs every source.
"""

from exporter.model.commvault import (
    AlertCount,
    CommCell,
    Copy,
    DatabaseReading,
    DedupStore,
    DedupStoreUsage,
    Library,
    LogReading,
    MediaAgent,
    MountPath,
    OperationWindow,
    Partition,
    Plan,
    Plans,
    PlanSchedule,
    RetainedSet,
    RetentionRule,
    ServiceLevel,
    StoreEvidence,
)
from exporter.model.constants import (
    DEDUP_STORE_STATUSES,
    JOB_RESULTS,
    POOL_STATUSES,
)
from exporter.model.filesystem import Mount, Scan, Share
from exporter.model.inventory import COLLECTED, Inventory
from exporter.model.jobs import Backups, Job, JobHistory, OperationJobs, PolicyFulls, Series
from exporter.model.polling import Collector, CollectorState, Poll, Source, SourceState, State, scheduled
from exporter.model.pools import Group, Pool, PoolForecast, PoolSpace, Reduction
from exporter.model.retention import CycleAnalysis, EffectiveRetention, RuleReplay, WhatIf
from exporter.model.units import DAY, GIBIBYTE, HOUR, MEBIBYTE, MINUTE
from exporter.model.veeam import BackupChain, BackupJob

__all__ = [
    "COLLECTED", "DAY", "DEDUP_STORE_STATUSES", "GIBIBYTE", "HOUR", "JOB_RESULTS", "MEBIBYTE", "MINUTE",
    "POOL_STATUSES", "AlertCount", "BackupChain", "BackupJob", "Backups", "Collector", "CollectorState", "CommCell",
    "Copy", "CycleAnalysis", "DatabaseReading", "DedupStore", "DedupStoreUsage", "EffectiveRetention", "Group",
    "Inventory", "Job", "JobHistory", "Library", "LogReading", "MediaAgent", "Mount", "MountPath", "OperationJobs",
    "OperationWindow", "Partition", "Plan", "PlanSchedule", "Plans", "PolicyFulls", "Poll", "Pool", "PoolForecast",
    "PoolSpace", "Reduction", "RetainedSet", "RetentionRule", "RuleReplay", "Scan", "Series", "ServiceLevel", "Share",
    "Source", "SourceState", "State", "StoreEvidence", "WhatIf", "scheduled",
]  # fmt: skip
