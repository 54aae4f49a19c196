"""The faults of a bad year: what happens to whom, and which alerts must tell of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from exporter.model import DAY, HOUR

APEX, GOLD, SECOND = "Apex GDP", "Gold Primary", "Gold Secondary"
FULL = ("EbbtidePoolNearlyFull", "EbbtidePoolSpaceLow", "EbbtidePoolFullSoon", "EbbtidePoolMayFillSoon",
        "EbbtidePoolFillAnomaly", "EbbtidePoolOrderDue")  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """A story of the simulator that goes on for `seconds`, and after `aftermath` more it has no consequences any more.

    `raises` are the alerts it must raise and `may` those that are no surprise, each as the name and the value of a
    label that names the object.
    """

    story: str
    object: str
    seconds: float
    raises: Sequence[tuple[str, str]]
    may: Sequence[tuple[str, str]] = ()
    aftermath: float = 2 * DAY
    options: tuple[tuple[str, float], ...] = ()
    begins: float = 0.0


BAD_YEAR = (
    # The only MediaAgent of Apex GDP, and one of two of another pool.
    Fault(
        "agent_dead", "ma01", 1.5 * DAY,
        [("EbbtideCommvaultMediaAgentOffline", "ma01"), ("EbbtideCommvaultMediaAgentBlocksPools", "ma01"),
         ("EbbtideCommvaultPoolWithoutMediaAgent", APEX)],
        [("EbbtideCommvaultMountPathOffline", APEX), ("EbbtideCommvaultPoolWithoutMediaAgent", "cs01"),
         ("EbbtideCommvaultAgingSucceedsPruningFails", "cs01"),
         ("EbbtideCommvaultPendingDeletesHigh", "cs01")], aftermath=DAY,
    ),
    Fault("source_down", "cs01", 6 * HOUR, [("EbbtideSourceDown", "cs01")], [("EbbtideCollectorStale", "cs01")],
          aftermath=0.75 * DAY),
    Fault(
        "pruning_stopped", APEX, 9 * DAY,
        [("EbbtideCommvaultAgingSucceedsPruningFails", APEX), ("EbbtideCommvaultPendingDeletesHigh", APEX),
         ("EbbtideNoPruning", APEX)],
        [*((name, APEX) for name in FULL), ("EbbtidePruningSuccessLow", APEX),
         ("EbbtideCommvaultSharedBlocksPinned", APEX)], aftermath=40 * DAY,
    ),
    Fault("retention_regressed", "Gold", 3 * DAY, [("EbbtideCommvaultRetentionRegressed", "cs01")], aftermath=9 * DAY),
    Fault(
        "storm", SECOND, 2 * DAY, [("EbbtidePoolNearlyFull", SECOND)],
        [*((name, SECOND) for name in FULL), ("EbbtidePoolEmergency", SECOND)], aftermath=10 * DAY,
        options=(("bytes_per_hour", 0.6 * 1024**4),),
    ),
    Fault(
        "fulls_failing", "Gold", 22 * DAY,
        [("EbbtideCommvaultFullsFailing", "cs01"), ("EbbtideCommvaultCyclesBlocked", "cs01")],
        [("EbbtideBackupFailureSpike", "cs01")], aftermath=40 * DAY,
    ),
    Fault("ddb_sealed", GOLD, 1 * DAY, [("EbbtideCommvaultDdbSealed", GOLD)], aftermath=60 * DAY),
    Fault(
        "job_failing", "VM Exchange", 4 * DAY,
        [("EbbtideVeeamJobFailed", "VM Exchange"), ("EbbtideVeeamJobNoRecentSuccess", "VM Exchange")],
        aftermath=5 * DAY,
    ),
)  # fmt: skip


def bad_time(seconds: float, settling: float = 2 * DAY) -> Sequence[Fault]:
    """Those of the bad year that fit into that time one after the other, with their aftermath."""
    at, placed = settling, []
    for fault in BAD_YEAR:
        if at + fault.seconds + DAY > seconds:
            break
        placed.append(replace(fault, begins=at))
        at += fault.seconds + fault.aftermath
    return placed
