"""How long data really lives."""

from __future__ import annotations

from dataclasses import dataclass

from exporter.model.jobs import PolicyFulls


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveRetention:
    """How old data really gets before it may age. earliest: a cycle's last job; latest: its full."""

    kind: str
    plan: str
    copy: str = ""
    rule: str = ""
    configured_seconds: float | None = None
    earliest_seconds: float | None
    latest_seconds: float | None
    semantics: str
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """What other terms would change: jobs and bytes that could age at once, and how much sooner a full may age."""

    retention_seconds: float
    cycles: float
    jobs: int
    bytes: float
    full_sooner_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleReplay:
    """A basic rule replayed against the real jobs of its policy; medians over the subclients.

    None where no cycle of any subclient allows a statement. retained: jobs and bytes that the rule keeps now.
    """

    copy_id: str
    earliest_seconds: float | None = None
    latest_seconds: float | None = None
    retained_jobs: int = 0
    retained_bytes: float = 0.0
    # Subclients whose oldest kept cycle is past its days and waits for newer cycles only; those whose oldest kept full
    # is past its days and whose last good full is older than two of their intervals.
    waiting_for_cycles: int = 0
    blocked_by_missing_fulls: int = 0
    one_cycle: WhatIf | None = None
    recommended: WhatIf | None = None


@dataclass(frozen=True, slots=True)
class CycleAnalysis:
    """What the job history says of every policy and of every basic rule."""

    policies: tuple[PolicyFulls, ...]
    replays: tuple[RuleReplay, ...]

    def __len__(self) -> int:
        return len(self.policies)
