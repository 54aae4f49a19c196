"""What a pool's used space tells of pruning: freed and written bytes folded from poll to poll.

Pruning has no jobs, so a fall of used space, or of the deletes that wait, is the only evidence of it. Used and not
free space is looked at: a pool that is extended or shrunk gains or loses free space without anything being pruned.
A part that goes offline does take its used space along, so its pool is to be left out while its sizes are stale.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from exporter.model import DAY, MEBIBYTE, PoolSpace

# Vendors report sizes rounded to MB and to three or four digits of the larger unit: less than this is no change.
NOISE_BYTES, NOISE_RATIO = 1.0 * MEBIBYTE, 1e-6
WINDOW_DAYS = 30
FORGOTTEN_AFTER = 60 * DAY
# So often must a pool be seen on a day for that day to count as observed: one look sees no change.
LOOKS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolFold:
    """One pool so far. days: by UTC day since 1970, how often it was seen and how often something had fallen."""

    seen_at: float
    # As last seen to differ by more than noise, so that slow changes add up: used = first + ingested - reclaimed.
    used_bytes: float
    pending_deletes: float | None = None
    reclaimed_bytes: float = 0.0
    ingested_bytes: float = 0.0
    last_prune_at: float | None = None
    days: Mapping[int, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SpaceState:
    """What is kept from poll to poll, by the pool's name or id."""

    pools: Mapping[str, PoolFold] = field(default_factory=dict)


EMPTY = SpaceState()


def observe(
    state: SpaceState, at: float, used_by_pool: Mapping[str, float], pending_by_pool: Mapping[str, float]
) -> SpaceState:
    """The state after a look at `at` (unix seconds) at used bytes and deletes that wait.

    A pool missing from used_by_pool, not finite there, or seen at `at` or later already stays as it was, and is
    dropped 60 days after it was last seen. Pending deletes are to be complete sums: a store that is missing from one
    would look like pruning. However long the last look is ago, a fall counts once, at `at`.
    """
    pools = {name: fold for name, fold in state.pools.items() if at - fold.seen_at <= FORGOTTEN_AFTER}
    for name, used in used_by_pool.items():
        before = pools.get(name)
        if math.isfinite(used) and (before is None or at > before.seen_at):
            pending = pending_by_pool.get(name, math.nan)
            pools[name] = _seen(before, at, used, pending if math.isfinite(pending) else None)
    return SpaceState(pools)


def pool_space(state: SpaceState, kind: str, at: float) -> tuple[PoolSpace, ...]:
    """One record a pool, by name; days are the 30 UTC days up to that of `at`."""
    return tuple(_pool_space(kind, name, fold, at) for name, fold in sorted(state.pools.items()))


def to_json(state: SpaceState) -> str:
    return json.dumps({name: asdict(fold) for name, fold in state.pools.items()})


def from_json(text: str) -> SpaceState:
    """ValueError where the text is damaged."""
    try:
        return SpaceState({name: _fold(**told) for name, told in json.loads(text).items()})
    except (AttributeError, OverflowError, TypeError, ValueError) as error:
        raise ValueError(f"used space so far cannot be read: {error}") from error


def _seen(before: PoolFold | None, at: float, used: float, pending: float | None) -> PoolFold:
    if before is None:
        return PoolFold(seen_at=at, used_bytes=used, pending_deletes=pending, days={_day(at): (1, 0)})
    change = used - before.used_bytes
    if abs(change) <= max(NOISE_BYTES, NOISE_RATIO * before.used_bytes):
        change = 0.0
    waited = before.pending_deletes
    fell = change < 0 or (pending is not None and waited is not None and pending < waited)
    days = _recent(before.days, at)
    looks, falls = days.get(_day(at), (0, 0))
    days[_day(at)] = (looks + 1, falls + fell)
    return replace(
        before,
        seen_at=at,
        used_bytes=used if change else before.used_bytes,
        pending_deletes=waited if pending is None else pending,
        reclaimed_bytes=before.reclaimed_bytes + max(0.0, -change),
        ingested_bytes=before.ingested_bytes + max(0.0, change),
        last_prune_at=at if fell else before.last_prune_at,
        days=days,
    )


def _pool_space(kind: str, name: str, fold: PoolFold, at: float) -> PoolSpace:
    days = _recent(fold.days, at).values()
    return PoolSpace(
        kind=kind,
        pool=name,
        reclaimed_bytes=fold.reclaimed_bytes,
        ingested_bytes=fold.ingested_bytes,
        last_prune_at=fold.last_prune_at,
        prune_days_30d=sum(falls > 0 for _, falls in days),
        observed_days_30d=sum(looks >= LOOKS for looks, _ in days),
    )


def _day(at: float) -> int:
    return int(at // DAY)


def _recent(days: Mapping[int, tuple[int, int]], at: float) -> dict[int, tuple[int, int]]:
    return {day: counts for day, counts in days.items() if _day(at) - WINDOW_DAYS < day <= _day(at)}


def _fold(*, days: Mapping[str, tuple[int, int]], **numbers: float | None) -> PoolFold:
    fold = PoolFold(**numbers, days={int(day): (int(looks), int(falls)) for day, (looks, falls) in days.items()})  # type: ignore[arg-type]
    known = (fold.seen_at, fold.used_bytes, fold.reclaimed_bytes, fold.ingested_bytes)
    unknown = (n for n in (fold.pending_deletes, fold.last_prune_at) if n is not None)
    if not all(math.isfinite(number) for number in (*known, *unknown)):
        raise ValueError("a number is not finite")
    return fold
