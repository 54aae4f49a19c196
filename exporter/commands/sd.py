"""`ebbtide sd`: a list of servers as Prometheus's file_sd and http_sd read it."""

from __future__ import annotations

import csv
import json
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from exporter.commands.common import plain_errors
from exporter.errors import ConfigError, EbbtideError

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(:\d{1,5})?")
_LABEL = re.compile(r"(?!__)[A-Za-z_][A-Za-z0-9_]*")


def sd(
    hosts: Annotated[
        Path, typer.Argument(metavar="HOSTS", help="CSV file; its first line names the columns: host and the labels.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File that is replaced at once; default: standard output.")
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Of hosts that name none.")] = 9877,
) -> None:
    """Print the exporters on many servers as targets with labels, for file_sd_configs or http_sd_configs."""
    with plain_errors():
        text = json.dumps(target_groups(_lines(hosts), port), indent=2) + "\n"
        if output is None:
            print(text, end="")
        else:
            _replace(output, text)


def target_groups(lines: Iterable[str], port: int) -> list[dict[str, object]]:
    """Of the lines of a CSV file: targets with the labels they have in common; an empty cell is no label.

    Raises ConfigError for anything that Prometheus would refuse, count twice, or take for the end of all servers.
    """
    rows = csv.DictReader(lines, restval="", strict=True)
    groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
    seen: set[str] = set()
    try:
        _check_columns(rows.fieldnames or ())
        for row in rows:
            target = _target(row, port, rows.line_num)
            if target in seen:
                raise ConfigError(f"line {rows.line_num}: {target} is there twice")
            seen.add(target)
            labels = {name: (value or "").strip() for name, value in row.items() if name != "host"}
            groups.setdefault(tuple(sorted((n, v) for n, v in labels.items() if v)), []).append(target)
    except csv.Error as error:
        raise ConfigError(f"line {rows.line_num + 1}: {error}") from error
    if not groups:
        raise ConfigError("there are no hosts: Prometheus would forget all servers")
    return [{"targets": sorted(groups[labels]), "labels": dict(labels)} for labels in sorted(groups)]


def _check_columns(names: Iterable[str]) -> None:
    names = list(names)
    if names.count("host") != 1:
        raise ConfigError('the first line names the columns, one of them "host"')
    for name in names:
        if not _LABEL.fullmatch(name) or names.count(name) > 1:
            raise ConfigError(f"the column {name!r} is no name of a label, or is there twice")


def _target(row: Mapping[str | None, str | list[str]], port: int, line: int) -> str:
    if None in row:
        raise ConfigError(f"line {line}: more cells than columns")
    host = str(row["host"]).strip()
    if not _HOST.fullmatch(host):
        raise ConfigError(f"line {line}: {host!r} is no host like fs001.example.com or fs001.example.com:9877")
    return host if re.search(r":\d+$", host) else f"{host}:{port}"


def _lines(path: Path) -> list[str]:
    try:
        # As spreadsheets write it: with a byte order mark, or without.
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error


def _replace(path: Path, text: str) -> None:
    """Who reads the file sees the old text or this, never a part."""
    made = None
    try:
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, prefix=f".{path.name}.", delete=False, encoding="utf-8"
        ) as file:
            made = file.name
            file.write(text)
        # Prometheus runs as another user.
        os.chmod(made, 0o644)
        os.replace(made, path)
    except OSError as error:
        if made:
            os.unlink(made)
        raise EbbtideError(f"{path} cannot be written: {error.strerror}") from error
