"""What must be asked one by one, a share of it at each poll."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from exporter.asking import each

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

    def __init__(self, every: float) -> None:
        self._every = every
        self._kept: dict[str, _Kept[T]] = {}

    def read(self, ids: Sequence[str], at: float, ask: Callable[[str], T]) -> dict[str, T]:
        """By id; without those deleted since they were listed, which say 404. Raises what `ask` raises."""
        oldest = at - _GOOD_FOR_ROUNDS * self._every
        self._kept = {i: self._kept[i] for i in ids if i in self._kept and self._kept[i].answered_at > oldest}
        new = [i for i in ids if i not in self._kept]
        turns = {i: at + self._every * (place + 1) / len(new) for place, i in enumerate(new)}
        due = sorted((i for i in self._kept if self._kept[i].due_at <= at), key=lambda i: self._kept[i].due_at)

        def keep(object_id: str) -> None:
            answer = ask(object_id)
            self._kept[object_id] = _Kept(answer, at, turns.get(object_id, at + self._every))

        each([*new, *due], keep)
        return {i: self._kept[i].answer for i in ids if i in self._kept}
