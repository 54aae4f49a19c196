"""What an index keeps of a whole scan: which tree it was, and what adds up."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from typing import Any

from exporter.errors import SourceUnreachable
from exporter.sources.filesystem.record import pack, unpack
from exporter.sources.filesystem.subtree import Rules
from exporter.sources.filesystem.tally import VANISHED, Tally
from exporter.sources.filesystem.text import readable


def identity_of(rules: Rules) -> list[Any]:
    """Which tree was counted by which rules. st_dev only where the filesystem has no number of its own: it changes."""
    status = os.stat(rules.root)
    fsid = os.statvfs(rules.root).f_fsid if hasattr(os, "statvfs") else 0
    rest = (
        rules.depth,
        rules.top,
        rules.floor,
        rules.exclude,
        rules.include,
        rules.max_depth,
        sorted(rules.mountpoints),
    )
    counted = hashlib.sha256(repr((rules.root, rest, rules.categories.listed())).encode()).hexdigest()
    return [fsid or status.st_dev, status.st_ino, hashlib.sha256(repr(counted).encode()).hexdigest()]


def refuse_bare_mountpoint(root: str, known: list[Any] | None, identity: list[Any]) -> None:
    """Raise SourceUnreachable if the root is empty and not the directory that is known."""
    if known is None or known[:2] == identity[:2]:
        return
    with os.scandir(root) as entries:
        if next(entries, None) is None:
            raise SourceUnreachable(f"{readable(root)}: empty, and not what the index is of; is it mounted?")


def written(tally: Tally) -> dict[str, Any]:
    """What adds up, as JSON; the rest is read from the tables."""
    own = {path.hex(): lasting(row) for path, row in tally.own.items()}
    return {"own": own, "cells": pack([0] * 7, tally.cells).hex(), "errors": tally.errors}


def lasting(row: list[int]) -> list[int]:
    """What vanished while one scan ran is no matter of the next."""
    return [*row[:VANISHED], 0, *row[VANISHED + 1 :]]


def read(total: dict[str, Any], like: Tally) -> Tally:
    _, cells = unpack(bytes.fromhex(total["cells"]))
    own = {bytes.fromhex(path): row for path, row in total["own"].items()}
    return Tally(like.depth, like.top, own, cells, Counter(total["errors"]))
