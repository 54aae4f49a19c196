"""What differs from what is usual, and by how much."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unusual:
    """The newest day, what is usual on such a day, and how far it lies outside: robust standard deviations, with sign.

    0 also where it differs by no more than its neighbours in the week do; None: there is nothing to compare.
    """

    value: float | None
    baseline: float
    deviation: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationAnomaly:
    """Of one kind of jobs of a kind of source: duration in seconds (the median of a day), runs of a day that failed."""

    kind: str
    operation: str
    duration: Unusual | None = None
    failures: Unusual | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobAnomaly:
    """Of one backup job, by its id."""

    job_id: str
    duration: Unusual | None = None


@dataclass(frozen=True, slots=True)
class JobAnomalies:
    """jobs: only where a vendor's jobs have names of their own."""

    operations: tuple[OperationAnomaly, ...] = ()
    jobs: tuple[JobAnomaly, ...] = ()
