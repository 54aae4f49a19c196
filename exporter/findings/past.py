"""What needs the past and not only the last answer: the fate of cycles, and of used space."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from exporter.analysis import space
from exporter.analysis.cycles import policy_fulls
from exporter.analysis.replay import Terms, replay
from exporter.findings.plans import BASIC, RuleFinding
from exporter.findings.storage import StoreFinding
from exporter.model import DAY, CycleAnalysis, Pool, PoolSpace, State

log = logging.getLogger(__name__)

# Three monthly fulls: enough to see two cycles close and a third wait.
_CYCLES_WINDOW_S = 100 * DAY
_SPACE = "space"


def analyse_cycles(rules: Sequence[RuleFinding], semantics: str, state: State, at: float) -> CycleAnalysis:
    """Every policy's fulls, and every basic rule replayed against the jobs of the ledger; `at` ends the history."""
    backups = state.backups(at - _CYCLES_WINDOW_S, at)
    return CycleAnalysis(
        policy_fulls(backups, at), tuple(replay(backups, list(_terms(rules)), at, semantics=semantics))
    )


def observe_space(
    kind: str, pools: Sequence[Pool], stores: Sequence[StoreFinding], state: State, at: float
) -> tuple[PoolSpace, ...]:
    """Add what the pools use now to what they used before, which the ledger remembers.

    A mount path that went offline takes its used space along, which is no pruning: a degraded pool is left out.
    """
    used = {
        pool.name: pool.capacity_bytes - pool.free_bytes
        for pool in pools
        if pool.free_bytes is not None and pool.capacity_bytes and pool.status != "degraded"
    }
    pending: dict[str, float] = {}
    unknown = {found.store.pool for found in stores if found.pending_deletes is None}
    for found in stores:
        if found.store.pool and found.store.pool not in unknown and found.pending_deletes is not None:
            pending[found.store.pool] = pending.get(found.store.pool, 0.0) + found.pending_deletes
    remembered = state.get(_SPACE)
    try:
        before = space.from_json(remembered) if remembered else space.EMPTY
    except ValueError as error:
        log.error("what the ledger remembers of used space cannot be read, and is begun anew: %s", error)
        before = space.EMPTY
    after = space.observe(before, at, used, pending)
    state.put(_SPACE, space.to_json(after))
    return space.pool_space(after, kind, at)


def _terms(rules: Sequence[RuleFinding]) -> Iterator[Terms]:
    for found in rules:
        rule = found.rule
        if rule.rule != BASIC or not found.plan.policy_id or rule.retention_seconds is None or rule.cycles is None:
            continue
        yield Terms(
            copy_id=found.copy_id,
            policy_id=found.plan.policy_id,
            retention_seconds=rule.retention_seconds,
            cycles=rule.cycles,
            aging_enabled=rule.aging_enabled,
            recommended=found.recommended,
        )
