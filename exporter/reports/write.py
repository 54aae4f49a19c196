"""Tables in files: CSV by RFC 4180, Excel workbooks. A file appears when it is whole.

Names come from other people's systems. A text that a spreadsheet would take for a formula is written so that none
does: behind an apostrophe in CSV, as a text cell in a workbook.
"""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from exporter.errors import EbbtideError
from exporter.reports.tables import Column, Kind, Table, Value
from exporter.reports.text import NEVER, iso

Record = TypeVar("Record")

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_MOST_ROWS = 1_048_576 - 1
_FORMATS = {
    "number": "0",
    "decimal": "0.00",
    "bytes": "#,##0",
    "ratio": "0.0%",
    "seconds": "#,##0",
    "moment": "yyyy-mm-dd hh:mm:ss",
}
_WIDTHS = {"text": 28, "moment": 20, "bytes": 20}


class ReportError(EbbtideError):
    pass


def write_csv(table: Table[Record], path: Path) -> None:
    """UTF-8; moments as ISO times in UTC, bytes as whole numbers, unknown as an empty field. Raises ReportError."""
    with whole(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(column.name for column in table.columns)
        for row in table.rows():
            writer.writerow(_field(value, c.kind) for value, c in zip(row, table.columns, strict=True))


def write_xlsx(table: Table[Record], path: Path) -> None:
    """Head bold, frozen and filtered; moments in UTC as dates. Raises ReportError."""
    try:
        import openpyxl
    except ImportError:
        raise ReportError("writing .xlsx needs openpyxl: pip install 'ebbtide[reports]'") from None
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(table.title)
    sheet.freeze_panes = "A2"
    letters = [openpyxl.utils.get_column_letter(n) for n in range(1, len(table.columns) + 1)]
    for letter, column in zip(letters, table.columns, strict=True):
        sheet.column_dimensions[letter].width = max(_WIDTHS.get(column.kind, 10), len(column.name) + 4)
    with whole(path) as temporary:
        try:
            sheet.append(_head(sheet, table.columns))
            count = 0
            for row in table.rows():
                count += 1
                if count > _MOST_ROWS:
                    raise ReportError(f"{path}: a worksheet holds {_MOST_ROWS:,} rows; ask for fewer, or for CSV")
                sheet.append(_cell(sheet, value, c.kind) for value, c in zip(row, table.columns, strict=True))
            sheet.auto_filter.ref = f"A1:{letters[-1]}{count + 1}"
        finally:
            sheet.close()
        book.save(temporary)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary file beside `path`, which takes its place at the end, or is gone."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise ReportError(f"{path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _field(value: Value, kind: Kind) -> str | float:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    if kind == "moment":
        return iso(value)
    return value if kind in ("ratio", "decimal") else round(value)


def _head(sheet: Any, columns: Iterable[Column[Any]]) -> Iterator[Any]:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    for column in columns:
        cell = WriteOnlyCell(sheet, value=column.name)
        cell.font = Font(bold=True)
        yield cell


def _cell(sheet: Any, value: Value, kind: Kind) -> Any:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        cell = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub("\ufffd", value))
        cell.data_type = "s"
        cell.quotePrefix = value.startswith(_FORMULA)
        return cell
    if kind == "moment":
        if math.isinf(value):
            return NEVER
        cell = WriteOnlyCell(sheet, value=datetime.fromtimestamp(value, UTC).replace(tzinfo=None))
    else:
        cell = WriteOnlyCell(sheet, value=value)
    cell.number_format = _FORMATS[kind]
    return cell


WRITERS: dict[str, Callable[[Table[Any], Path], None]] = {"csv": write_csv, "xlsx": write_xlsx}
