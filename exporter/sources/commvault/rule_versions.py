"""What changed in the retention rules since they were first seen: the ledger keeps every version of each.

A version is JSON: days, cycles, aging, kind, and when the rule was first seen (since) and last seen to change
(changed). What a poll leaves unknown is kept as it was known before, so that a coarser answer is no change. A rule
whose copy a poll does not tell of is not held for deleted, as the account may have lost sight of it: when it is back,
it is compared with its last version. An extended rule that its copy no longer has is one of 0 days.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from exporter.model import DAY, Copy, Plan, Plans, Poll, RetentionRule, State

KIND = "retention_rule"
BASIC = "basic"
_COUNTS = "retention_rule_changes"
_LONGER, _SHORTER = "longer", "shorter"
_FIELDS = ("days", "cycles", "aging", "extended")
# How many jobs an extended rule keeps, from the fewest.
_KINDS = ("other", "yearly", "half_yearly", "quarterly", "monthly", "weekly", "daily", "hourly", "all_fulls")

Version = dict[str, Any]


@dataclass
class _Counts:
    """Since the first look. first: this is it, and nothing counts as new."""

    first: bool
    created: int = 0
    created_infinite: int = 0
    changes: Counter[tuple[str, str]] = field(default_factory=Counter)


def compare(plans: tuple[Plan, ...], poll: Poll, *, tells_extended: bool) -> Plans:
    """The plans with what is remembered of their rules; remembers what is new.

    tells_extended: a copy without an extended rule has none, rather than keeps it to itself.
    """
    known = {key: json.loads(text) for key, (_, text) in poll.state.latest_versions(KIND).items() if text}
    counts = _read(poll.state)
    found: dict[str, Version] = {}
    for plan in plans:
        for copy in plan.copies:
            found |= _versions(f"{plan.id}/{copy.id}", copy, known, poll.at, counts, tells_extended=tells_extended)
    # An answer without any rule is not the first look: all rules would be new at the next.
    if found:
        poll.state.add_versions(KIND, poll.at, {key: _text(version) for key, version in found.items()})
        _write(poll.state, counts)
    return Plans(
        plans=tuple(replace(plan, copies=tuple(_dated(plan, found))) for plan in plans),
        changes={(name, to): counts.changes[name, to] for name in _FIELDS for to in (_LONGER, _SHORTER)},
        created_rules=counts.created,
        created_infinite_rules=counts.created_infinite,
    )


def _versions(
    prefix: str, copy: Copy, known: dict[str, Version], at: float, counts: _Counts, *, tells_extended: bool
) -> Iterator[tuple[str, Version]]:
    copy_is_known = f"{prefix}/{BASIC}" in known
    for rule in copy.rules:
        key = f"{prefix}/{rule.rule}"
        version = _version(rule)
        before = known.get(key)
        if before:
            yield key, _changed(before, version, at, counts)
            continue
        if not counts.first:
            counts.created += 1
            counts.created_infinite += math.inf in (rule.retention_seconds, rule.cycles)
            if copy_is_known:
                counts.changes["extended", _LONGER] += 1
        yield key, version | {"since": at, "changed": None}
    if not tells_extended:
        return
    gone = {key for key in known if key.rpartition("/")[0] == prefix} - {f"{prefix}/{rule.rule}" for rule in copy.rules}
    for key in gone - {f"{prefix}/{BASIC}"}:
        yield key, _changed(known[key], known[key] | {"days": 0.0}, at, counts)


def _version(rule: RetentionRule) -> Version:
    """Cycles and aging are the copy's, and told with its basic rule."""
    is_basic = rule.rule == BASIC
    return {
        "days": None if rule.retention_seconds is None else rule.retention_seconds / DAY,
        "cycles": rule.cycles if is_basic else None,
        "aging": rule.aging_enabled if is_basic else None,
        "kind": rule.kind,
    }


def _changed(before: Version, version: Version, at: float, counts: _Counts) -> Version:
    """The version, with what it leaves unknown and when the rule last changed."""
    after = before | {name: value for name, value in version.items() if value is not None}
    changes = list(_changes(before, after))
    counts.changes.update(changes)
    return after | {"changed": at} if changes else after


def _changes(before: Version, after: Version) -> Iterator[tuple[str, str]]:
    if before["kind"] != BASIC:
        was, now = _extent(before), _extent(after)
        if was != now and None not in (before["days"], after["days"]):
            yield "extended", _LONGER if now > was else _SHORTER
        return
    for name in ("days", "cycles"):
        was, now = before[name], after[name]
        if was is not None and was != now:
            yield name, _LONGER if now > was else _SHORTER
    if before["aging"] is not None and before["aging"] != after["aging"]:
        yield "aging", _SHORTER if after["aging"] else _LONGER


def _extent(version: Version) -> tuple[float, int]:
    return version["days"] or 0.0, _KINDS.index(version["kind"])


def _dated(plan: Plan, found: dict[str, Version]) -> Iterable[Copy]:
    for copy in plan.copies:
        versions = ((rule, found[f"{plan.id}/{copy.id}/{rule.rule}"]) for rule in copy.rules)
        yield replace(
            copy,
            rules=tuple(replace(r, first_seen_at=v["since"], changed_at=v["changed"]) for r, v in versions),
        )


def _text(version: Version) -> str:
    return json.dumps(version, sort_keys=True, separators=(",", ":"))


def _read(state: State) -> _Counts:
    text = state.get(_COUNTS)
    if text is None:
        return _Counts(first=True)
    stored = json.loads(text)
    changes = Counter({(name, to): count for name, to, count in stored["changes"]})
    return _Counts(first=False, created=stored["created"], created_infinite=stored["infinite"], changes=changes)


def _write(state: State, counts: _Counts) -> None:
    changes = [[name, to, count] for (name, to), count in sorted(counts.changes.items())]
    stored = {"created": counts.created, "infinite": counts.created_infinite, "changes": changes}
    state.put(_COUNTS, json.dumps(stored, separators=(",", ":")))
