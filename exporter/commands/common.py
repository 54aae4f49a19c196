"""What every command needs: the configuration, one source of it, and errors as one line and an exit status."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from exporter.errors import ConfigError, EbbtideError

if TYPE_CHECKING:
    from exporter.config import Config
    from exporter.history.ledger import SourceState
    from exporter.reports.tables import Table

FAILED, USAGE = 1, 2

_FOLDER = Path("reports")
_HOURS = {"h": 1, "d": 24, "w": 168}


@contextmanager
def plain_errors() -> Iterator[None]:
    """Exit 2 for what the user must write differently, 1 for what went wrong elsewhere."""
    try:
        yield
    except ConfigError as error:
        fail(USAGE, str(error))
    except EbbtideError as error:
        fail(FAILED, str(error))


def fail(code: int, message: str) -> NoReturn:
    say(f"ebbtide: {message}")
    raise typer.Exit(code)


def say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def load(path: Path | None) -> Config:
    from exporter import config

    return config.load(path) if path else config.parse("")


def source_of_kind(config: Config, kind: str, name: str | None) -> str:
    """The name of the source that is meant; without a name, the only one of its kind."""
    names = [source.name for source in config.sources if source.kind == kind]
    if not names:
        raise ConfigError(f"no source of kind {kind} is configured; see --config")
    if name is None and len(names) > 1:
        raise ConfigError(f"--source: say which: {', '.join(names)}")
    if name not in (None, *names):
        raise ConfigError(f"--source: there is no source {name!r} of kind {kind}; there are {', '.join(names)}")
    return name or names[0]


@contextmanager
def ledger_of(config: Config, source: str) -> Iterator[SourceState]:
    """What the ledger knows of the source."""
    from exporter.history.ledger import Ledger

    ledger = Ledger(config.store_urls()[1])
    try:
        yield ledger.state(source)
    finally:
        ledger.close()


def export(table: Callable[[Path], Table[Any]], formats: Iterable[str], stem: str) -> dict[str, str]:
    """Write the table, made anew for each file, as csv or xlsx; the paths by format.

    stem: a path, or a name in the folder reports, without .csv or .xlsx.
    """
    from exporter.reports.write import WRITERS

    base = Path(stem) if Path(stem).name != stem else _FOLDER / stem
    paths = {}
    for name in formats:
        path = base.with_name(f"{base.name}.{name}")
        WRITERS[name](table(path), path)
        paths[name] = str(path)
    return paths


def since_moment(text: str, now: float) -> float:
    """The moment that a look-back such as 24h or 7d, or an ISO time, means; 0h is the beginning of time.

    >>> since_moment("24h", 100_000.0)
    13600.0
    """
    if match := re.fullmatch(r"([0-9]{1,7})([hdw])", text.strip()):
        hours = int(match[1]) * _HOURS[match[2]]
        return now - hours * 3600.0 if hours else 0.0
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"--since: {text!r} is neither a look-back such as 24h or 7d nor an ISO time") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
