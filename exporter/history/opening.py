"""The history that a configuration means, and its size as metrics."""

from __future__ import annotations

from collections.abc import Callable

from exporter.history import History
from exporter.history.config import HistorySettings
from exporter.history.promql import Credentials, PromqlHistory
from exporter.history.sql import SqlHistory
from exporter.history.upkeep import Stock
from exporter.telemetry import Telemetry


def open_history(
    settings: HistorySettings, url: str, telemetry: Telemetry, keep_of: Callable[[str], float] | None = None
) -> History:
    """url: settings.url, or where the store is by default; keep_of: seconds a source is kept. Raises HistoryError."""
    if settings.is_promql:
        return promql_history(settings, telemetry)
    return sql_history(settings, url, keep_of, lambda stock: tell(telemetry, stock))


def sql_history(
    settings: HistorySettings,
    url: str,
    keep_of: Callable[[str], float] | None = None,
    tell: Callable[[Stock], None] | None = None,
) -> SqlHistory:
    return SqlHistory(
        url, resolution=settings.resolution, raw=settings.raw, keep=settings.keep, keep_of=keep_of, tell=tell
    )


def promql_history(settings: HistorySettings, telemetry: Telemetry) -> PromqlHistory:
    login = settings.login
    return PromqlHistory(
        settings.url_text, telemetry, selector=settings.selector, tenant=settings.tenant, verify=settings.verify,
        credentials=Credentials(login, settings.username) if login else None,
    )  # fmt: skip


def tell(telemetry: Telemetry, stock: Stock) -> None:
    """As metrics; what the store does not hold has no oldest."""
    telemetry.store_size.labels("history").set(stock.size_bytes)
    telemetry.store_series.labels("history").set(stock.series)
    for table, rows, oldest in (
        ("samples", stock.samples, stock.oldest_sample),
        ("days", stock.days, stock.oldest_day),
    ):
        telemetry.store_rows.labels(table).set(rows)
        if oldest is None:
            telemetry.store_oldest.remove_by_labels({"table": table})
        else:
            telemetry.store_oldest.labels(table).set(oldest)
