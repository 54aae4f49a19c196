"""What a retention rule is meant for, and the days and cycles that serve it.

The bands and cycles are the documents' best practice: short-term (under 30 days) 1 cycle, standard (30 to 90)
1 to 2, long-term (over 90) 2, disaster recovery at least 2, compliance and archive by days alone. They define what
the intents mean; whether a rule that differs is worth an alert is for thresholds to say.
"""

from __future__ import annotations

import math
import re

from exporter.model import DAY

SHORT, STANDARD, LONG, DISASTER_RECOVERY, ARCHIVE = "short", "standard", "long", "disaster_recovery", "archive"
INTENTS = (SHORT, STANDARD, LONG, DISASTER_RECOVERY, ARCHIVE, "unknown")

SHORT_BELOW, LONG_ABOVE = 30 * DAY, 90 * DAY
# Fewest and most cycles.
CYCLES = {
    SHORT: (1.0, 1.0),
    STANDARD: (1.0, 2.0),
    LONG: (2.0, 2.0),
    DISASTER_RECOVERY: (2.0, math.inf),
    ARCHIVE: (0.0, 0.0),
}
# "DR" as a word of its own; names join words with underscores, which \b takes for letters.
DISASTER_RECOVERY_NAMES = re.compile(r"(?<![A-Za-z])DR(?![A-Za-z])|disaster", re.IGNORECASE)
ARCHIVE_NAMES = re.compile(r"archiv|compliance|legal", re.IGNORECASE)


def intent(
    plan: str,
    copy: str,
    plan_type: str,
    retention_seconds: float | None,
    *,
    disaster_recovery: re.Pattern[str] = DISASTER_RECOVERY_NAMES,
    archive: re.Pattern[str] = ARCHIVE_NAMES,
) -> str:
    """One of INTENTS, by the names first, then by the days; a name that says both is disaster recovery.

    Recovery goes first because it keeps cycles, and an archive none.

    >>> intent("Gold_DR", "Primary", "", 14 * DAY), intent("Gold", "Primary", "", 14 * DAY)
    ('disaster_recovery', 'short')
    """
    names = " ".join((plan, copy, plan_type))
    if disaster_recovery.search(names):
        return DISASTER_RECOVERY
    if archive.search(names):
        return ARCHIVE
    if retention_seconds is None:
        return "unknown"
    if retention_seconds < SHORT_BELOW:
        return SHORT
    return LONG if retention_seconds > LONG_ABOVE else STANDARD


def recommended(meant: str, retention_seconds: float | None, cycles: float | None) -> tuple[float, float] | None:
    """The (retention_seconds, cycles) that serve the intent; None: as configured, or not known, or kept for ever.

    The days are always those configured; cycles go to the nearest of CYCLES, and to 0 for an archive only.

    >>> recommended("short", 14 * DAY, 2.0)
    (1209600.0, 1.0)
    """
    if retention_seconds is None or cycles is None or math.inf in (retention_seconds, cycles) or meant not in CYCLES:
        return None
    fewest, most = CYCLES[meant]
    better = min(max(cycles, fewest), most)
    return None if better == cycles else (retention_seconds, better)
