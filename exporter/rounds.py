"""What must be asked one by one, a share of it at each poll."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from exporter.asking import MISSES, each, is_missing
from exporter.errors import SourceError

log = logging.getLogger(__name__)

T = TypeVar("T")

# As long as the answers of a collector are shown.
_GOOD_FOR_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class _Kept(Generic[T]):
    answer: T
    answered_at: float
    due_at: float


class Round(Generic[T]):
    """The newest answer of every object, each asked for once in `every` seconds.

    What is new is asked for at once; its next turns are spread, so that no later poll asks for everything again.
    """

    def __init__(self, objects: str, every: float) -> None:
        self._objects = objects
        self._every = every
        self._kept: dict[str, _Kept[T]] = {}
        self._broken: set[str] = set()

    def read(self, ids: Sequence[str], at: float, ask: Callable[[str], T]) -> dict[str, T]:
        """By id; without those deleted since they were listed, which say 404, and without broken ones.

        Broken is what answers with an error of its own while others answer well. It is asked again at each poll and
        said once. Raises what `ask` raises where none answers well, and where the source itself does not answer.
        """
        oldest = at - _GOOD_FOR_ROUNDS * self._every
        self._kept = {i: self._kept[i] for i in ids if i in self._kept and self._kept[i].answered_at > oldest}
        new = [i for i in ids if i not in self._kept]
        turns = {i: at + self._every * (place + 1) / len(new) for place, i in enumerate(new)}
        due = sorted((i for i in self._kept if self._kept[i].due_at <= at), key=lambda i: self._kept[i].due_at)

        failed: dict[str, SourceError] = {}
        answered = False

        def keep(object_id: str) -> None:
            nonlocal answered
            try:
                answer = ask(object_id)
            except SourceError as error:
                if not error.contact or is_missing(error):
                    raise
                failed[object_id] = error
                if not answered and len(failed.keys() - self._broken) == MISSES:
                    raise
                return
            answered = True
            self._kept[object_id] = _Kept(answer, at, turns.get(object_id, at + self._every))

        each([*new, *due], keep)
        if failed and not answered and not (self._kept and failed.keys() <= self._broken):
            raise next(reversed(failed.values()))
        for object_id in sorted(failed.keys() - self._broken):
            log.warning("%s %s is left out: %s", self._objects, object_id, failed[object_id])
        self._broken = set(failed)
        return {i: self._kept[i].answer for i in ids if i in self._kept}
