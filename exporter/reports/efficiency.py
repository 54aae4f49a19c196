"""The efficiency of Veeam jobs or repositories as a table, with what the potential costs at a price."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from exporter.analysis.efficiency import per_month, rating, saving_per_year
from exporter.model import Efficiency
from exporter.reports.tables import Column, Table


def efficiency_table(found: Iterable[Efficiency], price_per_tebibyte: float) -> Table[Efficiency]:
    """price_per_tebibyte: in any currency; the saving is in the same, of data written and not of data kept."""
    return Table(
        "Efficiency",
        (
            Column("job", "JOB", "text", lambda e: e.job),
            Column("job_id", "", "text", lambda e: e.job_id),
            Column("repository", "REPOSITORY", "text", lambda e: e.repository),
            Column("sessions", "SESSIONS", "number", lambda e: e.sessions),
            Column("newest_session_at", "NEWEST", "moment", lambda e: e.newest_at),
            Column("status", "STATUS", "text", lambda e: e.status),
            Column("score", "SCORE", "decimal", lambda e: e.score),
            Column("grade", "GRADE", "text", lambda e: e.grade),
            Column("rating", "RATING", "text", lambda e: rating(e.grade) or None),
            Column("trend", "TREND", "text", lambda e: e.trend),
            Column("flags", "FLAGS", "text", lambda e: " ".join(name for name, up in e.flags.items() if up) or None),
            Column("dedup_ratio", "DEDUP", "decimal", lambda e: e.dedup_mean),
            Column("compression_ratio", "COMPR", "decimal", lambda e: e.compression_mean),
            Column("potential_bytes_per_day", "SAVED/DAY", "bytes", lambda e: e.potential_bytes_per_day),
            Column("potential_bytes_per_month", "SAVED/MONTH", "bytes", _of_potential(per_month)),
            Column(
                "saving_per_year", "MONEY/YEAR", "decimal",
                _of_potential(lambda per_day: saving_per_year(per_day, price_per_tebibyte)),
            ),
        ),
        found,
    )  # fmt: skip


def _of_potential(computed: Callable[[float], float]) -> Callable[[Efficiency], float | None]:
    return lambda e: None if e.potential_bytes_per_day is None else computed(e.potential_bytes_per_day)
