"""Which files of a chain may go. Veeam deletes a full and its increments only together: they need the full.

So between N and N plus a cycle of points are on disk when N are configured, and a file of the GFS kind stays alone.
"""

from exporter.simulator.vbr_records import DAY, File, Retention

MONTH = 31 * DAY


def survivors(chain: list[File], retention: Retention, now: float) -> list[File]:
    """The files that stay, oldest first; a full that only GFS keeps is marked as archived."""
    archive = [file for file in chain if file.archived]
    cycles = _cycles([file for file in chain if not file.archived])
    while len(cycles) > 1 and _may_go(cycles, retention, now):
        for file in cycles.pop(0):
            if file.gfs:
                file.archived = True
                archive.append(file)
    kept = [file for file in archive if _gfs_keeps(file, retention, now)]
    return kept + [file for cycle in cycles for file in cycle]


def gfs_periods(chain: list[File], retention: Retention, created: float) -> tuple[str, ...]:
    """What a full written now is kept for: every one is its week's, the first after a month its month's."""
    periods = ["Weekly"] if retention.weeks else []
    months = [file.created for file in chain if "Monthly" in file.gfs]
    if retention.months and (not months or created - max(months) > 28 * DAY):
        periods.append("Monthly")
    return tuple(periods)


def _cycles(files: list[File]) -> list[list[File]]:
    cycles: list[list[File]] = []
    for file in files:
        if file.is_full or not cycles:
            cycles.append([])
        cycles[-1].append(file)
    return cycles


def _may_go(cycles: list[list[File]], retention: Retention, now: float) -> bool:
    if retention.kind == "Days":
        return cycles[1][0].created <= now - retention.quantity * DAY
    return sum(map(len, cycles[1:])) >= retention.quantity


def _gfs_keeps(file: File, retention: Retention, now: float) -> bool:
    age = now - file.created
    weekly = "Weekly" in file.gfs and age <= retention.weeks * 7 * DAY
    return weekly or ("Monthly" in file.gfs and age <= retention.months * MONTH)
