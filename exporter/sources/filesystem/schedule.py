"""When a scan is due that has a schedule as cron knows it, in local time."""

from __future__ import annotations

from datetime import datetime

from cronsim import CronSim, CronSimError


def next_after(schedule: str, at: float) -> float:
    """The first moment of the schedule after `at`, both in unix seconds. Raises ValueError for what is no schedule.

    Without a zone, so that 02:30 also comes in the night that has none: then at 03:30.
    """
    try:
        # A naive time is what the clock on the wall shows.
        return next(CronSim(schedule, datetime.fromtimestamp(at))).timestamp()  # noqa: DTZ006
    except CronSimError as error:
        raise ValueError(f'{schedule!r} is no schedule like "30 2 * * 1-5": {error}') from error
