"""Lists: filters, order and pages. Parameter names count in their exact case; unknown ones are passed over."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Generic, TypeVar

from exporter.simulator.messages import Answer, Json
from exporter.simulator.vbr_call import Call, unexpected

Row = TypeVar("Row")
Fits = Callable[[Row, str], bool]
DEFAULT_LIMIT = 200
SEVERAL_VALUES_FROM = "1.3-rev0"


@dataclass(frozen=True)
class Listing(Generic[Row]):
    """`rows` stand in the order they are answered in when nobody asks for another; `show` makes JSON of one row.

    `columns` can be ordered by, `filters` say whether a row fits one value.
    """

    rows: Sequence[Row]
    show: Callable[[Row], Json]
    columns: Mapping[str, Callable[[Row], Any]] = field(default_factory=dict)
    filters: Mapping[str, Fits[Row]] = field(default_factory=dict)

    def answer(self, call: Call) -> Answer:
        rows = self._ordered(call, self._fitting(call))
        skip, limit = _number(call, "skip", 0), _number(call, "limit", DEFAULT_LIMIT)
        page = rows[skip : skip + limit]
        pagination = {"total": len(rows), "count": len(page), "skip": skip, "limit": limit}
        return Answer({"data": [self.show(row) for row in page], "pagination": pagination})

    def _fitting(self, call: Call) -> list[Row]:
        rows = list(self.rows)
        for name, fits in self.filters.items():
            values = call.request.query.get(name, [])
            if not call.since(SEVERAL_VALUES_FROM):
                values = values[:1]
            if values:
                rows = [row for row in rows if any(fits(row, value) for value in values)]
        return rows

    def _ordered(self, call: Call, rows: list[Row]) -> list[Row]:
        column = call.request.query.get("orderColumn", [""])[0]
        if not column:
            return rows
        if column not in self.columns:
            raise unexpected(f"The value '{column}' is not valid for orderColumn.")
        key = self.columns[column]
        return sorted(rows, key=key, reverse=not _flag(call, "orderAsc"))


def named(name: Callable[[Row], str]) -> Fits[Row]:
    """Filters by a name, with * at its ends."""
    return lambda row, pattern: fnmatchcase(name(row).casefold(), pattern.casefold())


def equal(value: Callable[[Row], str | None]) -> Fits[Row]:
    return lambda row, wanted: str(value(row)).casefold() == wanted.casefold()


def after(call: Call, time: Callable[[Row], float | None]) -> Fits[Row]:
    return lambda row, text: (time(row) or 0.0) >= call.instant(text)


def before(call: Call, time: Callable[[Row], float | None]) -> Fits[Row]:
    return lambda row, text: (time(row) or float("inf")) <= call.instant(text)


def by_name(rows: Iterable[Row], name: Callable[[Row], str]) -> list[Row]:
    return sorted(rows, key=name)


def flag_filter(value: Callable[[Row], bool]) -> Fits[Row]:
    return lambda row, wanted: value(row) is (wanted.lower() == "true")


def _number(call: Call, name: str, default: int) -> int:
    text = call.request.query.get(name, [str(default)])[0]
    if not text.isdecimal():
        raise unexpected(f"The value '{text}' is not valid for {name}.")
    return int(text)


def _flag(call: Call, name: str) -> bool:
    return call.request.query.get(name, ["false"])[0].lower() == "true"
