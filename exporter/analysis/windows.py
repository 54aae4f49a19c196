"""Whether an operation window forbids pruning at a moment."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from datetime import date, timedelta

from exporter.model import DAY, OperationWindow

_EPOCH = date(1970, 1, 1)
_LAST_WEEK = 5


def blocked(windows: Iterable[OperationWindow], at: float, utc_offset_seconds: float) -> bool:
    """Whether any window that blocks pruning is open.

    at: unix seconds; utc_offset_seconds: of the CommServe's clock, which windows are written by. A window whose last
    second is before its first goes on past midnight and belongs to the day it began on; one without days of the week
    is open on all. The first week of a month is its first seven days, the fifth its last seven. Windows count from
    the start of the day of `starts_at` to the end of that of `ends_at`, on the same clock.

    >>> night = OperationWindow(id="3", name="no pruning", blocks_pruning=True, times=((79200, 21600, (0,), ()),))
    >>> sunday = 1773532800.0  # 2026-03-15 00:00 UTC
    >>> [blocked([night], sunday + hour * 3600, 0.0) for hour in (3, 21, 23, 27, 31)]
    [False, False, True, True, False]
    """
    day, second = divmod(at + utc_offset_seconds, DAY)
    return any(_is_open(window, int(day), second, utc_offset_seconds) for window in windows if window.blocks_pruning)


def _is_open(window: OperationWindow, today: int, second: float, utc_offset_seconds: float) -> bool:
    """today: days since 1970, on the CommServe's clock."""
    for first, last, weekdays, weeks in window.times:
        spans = [(today, first, last)] if first <= last else [(today, first, DAY), (today - 1, 0.0, last)]
        for day, begin, end in spans:
            if begin <= second <= end and _counts(day, weekdays, weeks) and _is_valid(window, day, utc_offset_seconds):
                return True
    return False


def _counts(day: int, weekdays: tuple[int, ...], weeks: tuple[int, ...]) -> bool:
    found = _EPOCH + timedelta(days=day)
    in_week = (found.day - 1) // 7 + 1
    is_last = found.day > monthrange(found.year, found.month)[1] - 7
    return (not weekdays or found.isoweekday() % 7 in weekdays) and (
        not weeks or (in_week < _LAST_WEEK and in_week in weeks) or (is_last and _LAST_WEEK in weeks)
    )


def _is_valid(window: OperationWindow, day: int, utc_offset_seconds: float) -> bool:
    starts, ends = window.starts_at, window.ends_at
    return (starts is None or (starts + utc_offset_seconds) // DAY <= day) and (
        ends is None or day <= (ends + utc_offset_seconds) // DAY
    )
