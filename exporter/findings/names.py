"""What the things of a source are called, and whom they belong to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeVar

from exporter.model import Group

Named = TypeVar("Named")
GroupOf = Callable[[str, str], Group]


def ungrouped(source: str, pool: str) -> Group:  # noqa: ARG001
    return Group()


def distinct(
    records: Iterable[Named], name: Callable[[Named], str], renamed: Callable[[Named, str], Named]
) -> list[Named]:
    """The records, with " (#id)" appended to the names of those that share one; they must have an `id`."""
    records = list(records)
    count = Counter(map(name, records))
    return [
        renamed(record, f"{name(record)} (#{identity})") if count[name(record)] > 1 and identity else record
        for record in records
        for identity in (getattr(record, "id", ""),)
    ]
