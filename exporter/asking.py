"""Calls of which not every one must succeed: one per object of a list, and those for a detail only."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from exporter.errors import SourceGarbled, SourceRefused
from exporter.http import UnexpectedStatus

log = logging.getLogger(__name__)

T = TypeVar("T")
U = TypeVar("U")

# As many at the beginning are enough: a release that lacks a call, or an account that may not, says so every time.
MISSES = 3


def each(objects: Iterable[U], ask: Callable[[U], T]) -> list[T]:
    """The answers for all objects but those deleted since they were listed, which say 404; raises when all do."""
    answers: list[T] = []
    misses = 0
    missed: UnexpectedStatus | None = None
    for each_object in objects:
        try:
            answers.append(ask(each_object))
        except UnexpectedStatus as error:
            misses, missed = misses + 1, error
            if not is_missing(error) or (misses == MISSES and not answers):
                raise
    if missed and not answers:
        raise missed
    return answers


def is_missing(error: Exception) -> bool:
    return isinstance(error, UnexpectedStatus) and error.status == 404


def detail(ask: Callable[[], T]) -> T | None:
    """The answer to a call that the others can do without; None where the server will not or cannot give it."""
    try:
        return ask()
    except (SourceGarbled, SourceRefused) as error:
        if not error.contact:
            raise
        log.info("done without: %s", error)
        return None
