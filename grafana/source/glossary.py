"""What does this term, number or colour mean?"""

from __future__ import annotations

from board import dashboard, row
from looks import Json
from panels import text

AGING = """
**Aging** is the decision: a job's retention is over, its copy no longer counts. It changes the catalogue and frees nothing.

**Pruning** is the deed: the blocks that nothing else refers to are deleted on disk. Only then does free space rise.

| you see | it means |
| --- | --- |
| aging succeeds, pending deletes rise | pruning does not keep up, or does not run |
| pending deletes fall, free space does not rise | the blocks are shared with younger jobs, or new backups take the space at once |
| aging ages nothing | the rules are not met: read on the right |
"""

BOTH = """
A job may age only when **both** are over: its **days** and its **cycles**.

A **cycle** is a full backup with all that builds on it, until the next full. All jobs of a cycle age **together**, and a cycle
is over only when the next full has succeeded. So a failed or missing full keeps everything before it.

14 days and 2 cycles with weekly fulls: the full of a cycle gets up to **20 days** old when the last incremental comes six days
after it. With fulls every 30 days it gets to **60**, whatever the days say.

*Configured* is the number in the rule; *effective* is how old jobs really get.
"""

DDB = """
The **deduplication database** knows which block is used by which job. It runs on a MediaAgent and deletes through it.

- **Pending deletes**: blocks that may go and have not gone yet. They should fall after every aging.
- **Sealed**: takes no new data and lives until its last job has aged. Its space comes back at the very end, at once.
- **Pruning disabled, MediaAgent offline, operation window**: the three usual reasons why nothing is freed.
- **Extended retention**: one long-kept job holds the blocks it shares with all the others.
"""

REASONS = """
Why a job is still there (the label `reason`, and the word of the vendor's reports), and what to do first:

| reason | vendor | it says | first step |
| --- | --- | --- | --- |
| basic_days | BASIC_DAYS | its days are not over | nothing, or fewer days |
| basic_cycles | BASIC_CYCLES | its cycles are not over | let fulls succeed, or run more often |
| extended_retention | EXTENDED_RETENTION | a weekly, monthly or yearly rule keeps it | see which, and for how long |
| not_copied | NOT_COPIED | a later copy is still to be made of it | let the auxiliary copy run |
| infinite | INFINITE | its rule keeps it for ever | decide whether that is meant |
| manual | | somebody has pinned it | ask who, and until when |
| job_running | JOBRUNNING | it is still at work | wait |
"""

UNITS = """
- **GiB, TiB**: 1024-based, as the systems count. A TB of a price is 10^12 bytes.
- **%** of free space is of what a normal writer can use.
- **Full in** is the median of the forecast; *earliest* and *latest* hold four of five futures.
- **x:1** is data against what is stored of it: 4 means a quarter is stored.
- **Sigma**: standard deviations from what is usual; beyond 3 chance hardly explains it.
- **Grades**: A from 85 points, B 70, C 55, D 40, else F.
- Red is critical, orange a warning, blue a number without judgement. Dashed lines are the thresholds in force.
- **-** in a table: not known, or does not apply. It is never zero.
"""

FAQ = """
**A panel is empty.** It says why. If it should not be: is the source up, and its collector recent? See *Exporter and sources*.

**The numbers are an hour old.** Sources are asked in intervals; the age of each answer is on the same board.

**No forecast.** It needs three days for bounds and fourteen for an opinion.

**A pool is full soon although little was backed up.** Nothing is freed: look at pruning before disks are bought.

**I do not agree with a threshold.** It is a line in `rules/thresholds.yaml`, with exceptions for a single object.

**Two boards differ by a little.** Recorded figures are up to a minute older than the ones they come from.
"""


def build() -> Json:
    return dashboard(
        "ebbtide-help",
        "Ebbtide / Glossary and help",
        __doc__,
        [],
        [
            row("Why nothing is freed", (12, 10, text("Aging and pruning", AGING)), (12, 10, text("Both conditions, and cycles", BOTH))),
            row("Commvault", (12, 11, text("Deduplication database (DDB)", DDB)), (12, 11, text("Reasons of retention", REASONS))),
            row("Reading the boards", (12, 10, text("Units, colours and grades", UNITS)), (12, 10, text("Frequent questions", FAQ))),
        ],
        tags=["help"],
    )  # fmt: skip
