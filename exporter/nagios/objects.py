"""Which hosts and services Nagios and Icinga are to know: one host per source, one service per check and per alert."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exporter.nagios.checks import CHECKS

# The host of what belongs to no source: the exporter, the rules, the pipeline.
OWN_HOST = "ebbtide"


@dataclass(frozen=True)
class Active:
    """A service that Nagios runs check_ebbtide for; source: as an argument, where * and ? are a shell's."""

    host: str
    check: str
    source: str


@dataclass(frozen=True)
class Passive:
    """A service whose state the bridge tells; its name is the alert's. runbook: a URL."""

    host: str
    alert: str
    runbook: str


def host_name(source: str) -> str:
    """A source as a host: Nagios refuses most signs in names, so those become _ and a checksum keeps names apart."""
    plain = re.sub(r"[^A-Za-z0-9_. -]", "_", source)
    return plain if plain == source and plain != OWN_HOST else f"{plain}-{zlib.crc32(source.encode()) & 0xFFFF:04x}"


def active(sources: Iterable[tuple[str, str]]) -> Iterator[Active]:
    """sources: (name, kind)."""
    yield from (Active(OWN_HOST, name, "*") for name, check in CHECKS.items() if not check.kinds)
    for source, kind in sources:
        # No quote, no macro and no sign of the shell is left, and ? matches any of them.
        argument = re.sub(r"[^\w. -]", "?", source)
        yield from (Active(host_name(source), name, argument) for name, c in CHECKS.items() if kind in c.kinds)


def passive(sources: Iterable[tuple[str, str]], rules: Path) -> Iterator[Passive]:
    """rules: the folder of the rules; only alerts that Alertmanager sends to the bridge become services."""
    told = [rule for rule in _alerts(rules) if _is_told(rule["labels"])]
    about_sources = {r["alert"]: r for r in told if "$labels.source" in r["annotations"]["description"]}
    about_us = {r["alert"]: r for r in told if r["alert"] not in about_sources}
    yield from (Passive(OWN_HOST, name, rule["annotations"]["runbook_url"]) for name, rule in sorted(about_us.items()))
    for source, kind in sources:
        for name, rule in sorted(about_sources.items()):
            if rule["labels"].get("kind", kind) == kind:
                yield Passive(host_name(source), name, rule["annotations"]["runbook_url"])


def _is_told(labels: dict[str, str]) -> bool:
    return labels["severity"] in ("critical", "warning", "none") and labels.get("category") != "configuration"


def _alerts(rules: Path) -> Iterator[dict[str, Any]]:
    import yaml

    for file in sorted((rules / "alerts").glob("*.yaml")):
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]:
            yield from (rule for rule in group["rules"] if "alert" in rule)
