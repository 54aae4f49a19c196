"""Backups made of a few words, for tests of what is computed from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from exporter.model import DAY, HOUR, Backups, Series
from exporter.model.jobs import RESULTS


@dataclass(frozen=True)
class Run:
    """One run; started is in days."""

    started: float
    kind: str = "incremental"
    result: str = "success"
    hours: float = 0.0
    media_bytes: float = 1.0
    aged: int = -1
    client: str = "a"
    subclient: str = "default"
    policy: str = "p"


def backups(runs: Iterable[Run]) -> Backups:
    ordered = sorted(runs, key=lambda r: (r.policy, r.client, r.subclient, r.started))
    # Policies and subclients need not come in any order of theirs, only together.
    series = sorted({(r.client, r.subclient, r.policy) for r in ordered})
    ordered.sort(key=lambda r: (series.index((r.client, r.subclient, r.policy)), r.started))
    started = np.array([r.started * DAY for r in ordered], dtype=np.float64)
    return Backups(
        series=tuple(Series(policy, client, subclient) for client, subclient, policy in series),
        series_of=np.array([series.index((r.client, r.subclient, r.policy)) for r in ordered], dtype=np.int32),
        job_id=np.arange(len(ordered), dtype=np.int64),
        started_at=started,
        ended_at=started + np.array([r.hours * HOUR for r in ordered], dtype=np.float64),
        is_full=np.array([r.kind in ("full", "synthetic") for r in ordered], dtype=np.bool_),
        is_synthetic=np.array([r.kind == "synthetic" for r in ordered], dtype=np.bool_),
        result=np.array([RESULTS.index(r.result) for r in ordered], dtype=np.int8),
        media_bytes=np.array([r.media_bytes for r in ordered], dtype=np.float64),
        aged=np.array([r.aged for r in ordered], dtype=np.int8),
    )


def regular(
    days: float, *, full_every: float = 7, incremental_every: float = 1, client: str = "a", hours: float = 0.0,
    policy: str = "p", start: float = 0.0,
) -> Iterator[Run]:  # fmt: skip
    """Fulls, and incrementals between them; 0 for none of these."""
    full = 0
    while full * full_every < days:
        first = start + full * full_every
        yield Run(first, "full", client=client, hours=hours, policy=policy)
        step = 1
        while incremental_every and step * incremental_every < full_every - 1e-9:
            at = full * full_every + step * incremental_every
            if at < days:
                yield Run(start + at, client=client, hours=hours, policy=policy)
            step += 1
        full += 1
