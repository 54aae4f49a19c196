"""`ebbtide check-source`: what a source answers, collector by collector and endpoint by endpoint."""

from __future__ import annotations

import json as text_json
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exporter.commands.common import FAILED, load, plain_errors
from exporter.errors import ConfigError

if TYPE_CHECKING:
    from exporter.check import Asked, Checked, Step

_OUTCOME, _COUNT = 11, 15


def check_source(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the source in the configuration.")],
    config: Annotated[
        Path | None, typer.Option("--config", "--config.file", help="YAML file; without one, the local filesystems.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Ask a source everything once and say what it refuses or lacks; exit 0 all well, 1 not all, 2 configuration."""
    with plain_errors():
        checked = _checked(config, name)
    if json:
        print(text_json.dumps({**asdict(checked), "works": checked.works, "missing": checked.missing}, indent=2))
    else:
        print("\n".join(_lines(checked)))
    raise typer.Exit(0 if checked.works else FAILED)


def _checked(path: Path | None, name: str) -> Checked:
    config = load(path)
    settings = next((settings for settings in config.sources if settings.name == name), None)
    if settings is None:
        there = ", ".join(settings.name for settings in config.sources)
        raise ConfigError(f"there is no source {name!r}; there are {there}")
    from exporter.check import check
    from exporter.sources import KINDS
    from exporter.telemetry import Telemetry

    source = KINDS[settings.kind](settings, Telemetry())
    try:
        return check(source, time.time())
    finally:
        source.close()


def _lines(checked: Checked) -> Iterator[str]:
    from exporter.reports.text import written

    steps = [*([checked.login] if checked.login else []), *checked.collectors]
    width = max((len(step.name) for step in steps), default=0)
    yield written(f"{checked.source} ({checked.kind}) at {checked.host}", "text")
    for step in steps:
        heads: tuple[str, ...] = (step.name.ljust(width), step.outcome.ljust(_OUTCOME))
        for line in _facts(step):
            yield written("  ".join((*heads, line)), "text").rstrip()
            heads = tuple(" " * len(head) for head in heads)
    working = sum(step.outcome == "ok" for step in checked.collectors)
    missing = f"; missing: {', '.join(checked.missing)}" if checked.missing else ""
    yield f"{working} of {len(checked.collectors)} collectors work{missing}."


def _facts(step: Step) -> Iterator[str]:
    """What went wrong or how many objects came, then the requests, one on a line."""
    count = "" if step.objects is None else f"{step.objects:,} object{'' if step.objects == 1 else 's'}"
    told = [*(_request(asked, step.error) for asked in step.requests), *filter(None, [step.hint])]
    yield step.error or count.ljust(_COUNT) + (told.pop(0) if told else "")
    for line in told:
        yield " " * _COUNT + line


def _request(asked: Asked, said: str) -> str:
    from exporter.reports.text import human_bytes

    status, size = "no answer", ""
    if asked.status is not None:
        status, size = str(asked.status), f", {human_bytes(asked.bytes)}"
    times = f" x {asked.times}" if asked.times > 1 else ""
    told = f"{asked.endpoint} {status}{times}, {asked.seconds * 1000:.0f} ms{size}"
    return f"{told}: {asked.note}" if asked.note and asked.note not in said else told
