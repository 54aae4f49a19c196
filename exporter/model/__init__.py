"""The vocabulary: what sources have, in bytes, seconds, unix seconds and ratios of 0 to 1.

None means unknown, and unknown is no sample. Infinite is math.inf. Moments are unix seconds (float).
Collector and Source are defined here and not in `sources/`, because every source needs the first and
`sources/` needs every source.
"""

from exporter.model.anomalies import JobAnomalies, JobAnomaly, OperationAnomaly, Unusual
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
    GRADES,
    JOB_RESULTS,
    POOL_STATUSES,
    SESSION_TYPES,
    TRENDS,
)
from exporter.model.efficiency import Benchmarks, EfficiencyTerms, Grading
from exporter.model.filesystem import Mount, Scan, ScanState, Share
from exporter.model.inventory import COLLECTED, Inventory
from exporter.model.jobs import Backups, Job, JobHistory, OperationJobs, PolicyFulls, Runs, Series
from exporter.model.polling import Collector, CollectorState, Poll, Source, SourceState, State, scheduled
from exporter.model.pools import Group, GroupForecast, Pool, PoolForecast, PoolSpace, Reduction
from exporter.model.retention import CycleAnalysis, EffectiveRetention, RuleReplay, WhatIf
from exporter.model.units import DAY, GIBIBYTE, HOUR, MEBIBYTE, MINUTE, TEBIBYTE
from exporter.model.veeam import (
    BackupChain,
    BackupJob,
    BackupObjects,
    BestPractices,
    ConfigurationBackup,
    Efficiency,
    JobRun,
    License,
    MalwareEvents,
    ManagedServer,
    Proxy,
    ReductionFeed,
    Reductions,
    Repository,
    SessionHistory,
    SessionReduction,
    VeeamServer,
)

__all__ = [
    "COLLECTED", "DAY", "DEDUP_STORE_STATUSES", "GIBIBYTE", "GRADES", "HOUR", "JOB_RESULTS", "MEBIBYTE", "MINUTE",
    "POOL_STATUSES", "SESSION_TYPES", "TEBIBYTE", "TRENDS", "AlertCount", "BackupChain", "BackupJob", "BackupObjects",
    "Backups", "Benchmarks", "BestPractices", "Collector", "CollectorState", "CommCell", "ConfigurationBackup", "Copy",
    "CycleAnalysis", "DatabaseReading", "DedupStore", "DedupStoreUsage", "EffectiveRetention", "Efficiency",
    "EfficiencyTerms", "Grading", "Group", "GroupForecast", "Inventory", "Job", "JobAnomalies", "JobAnomaly",
    "JobHistory", "JobRun", "Library", "License", "LogReading", "MalwareEvents", "ManagedServer", "MediaAgent", "Mount",
    "MountPath", "OperationAnomaly", "OperationJobs", "OperationWindow", "Partition", "Plan", "PlanSchedule", "Plans",
    "PolicyFulls", "Poll", "Pool", "PoolForecast", "PoolSpace", "Proxy", "Reduction", "ReductionFeed", "Reductions",
    "Repository", "RetainedSet", "RetentionRule", "RuleReplay", "Runs", "Scan", "ScanState", "Series", "ServiceLevel",
    "SessionHistory", "SessionReduction", "Share", "Source", "SourceState", "State", "StoreEvidence", "Unusual",
    "VeeamServer", "WhatIf", "scheduled",
]  # fmt: skip
