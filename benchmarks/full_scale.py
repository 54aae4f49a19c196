"""A Prometheus at full scale: every series that boards ask for, those that the rules record too, and days of past.

What the simulated servers do not show at once, such as forecasts and scans, is made up for the objects they do show.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import product
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

from rule_cost import backfill, evaluated, looked_back_on, page, past_moments, prometheus, served
from year import families

from exporter.metrics import FAMILIES
from exporter.metrics.family import Family
from exporter.model import DAY, HOUR

Strings = tuple[str, ...]
SOURCE = re.compile(r'source="([^"]*)"')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
# What a host's filesystems have beside their size; the rest of what is missing belongs to the backup systems.
OF_HOSTS = re.compile(r"ebbtide_(pool_(forecast|time_to_full|fill)_|scan_)")
TARGET = ("job", "instance")
SCANNING_HOSTS = 100
VALUES = {"horizon": ("30d", "90d", "365d")}
# Seconds between samples of the past, by how many series a family has at most.
SPACINGS = ((400, 120.0), (3_000, 300.0), (math.inf, 1_800.0))
BLOCK = 18 * HOUR
GROWTH = 3e-7
# Samples of the past are that far apart; blocks are as long as with 15 days of retention.
FLAGS = ("--query.lookback-delta=1h", "--storage.tsdb.max-block-duration=18h")


def prepared(folder: Path, series: int, days: float, expressions: Sequence[str], over_time: Sequence[str]) -> None:
    """Make the store in `folder`/tsdb and what is scraped in `folder`/page.

    expressions: all that will be asked; over_time: those of them that read more than the newest samples.
    """
    (folder / "made").mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        lines = limited(completed(page(folder / "made", stack, series), "\n".join([*expressions, *families()])), series)
    print(f"{len(lines):,} series, {sum(map(len, lines)) / 1e6:.0f} MB", flush=True)
    lines += recorded(folder / "made", lines)
    given_a_past(folder, lines, days, over_time)
    (folder / "page").write_text("\n".join(lines) + "\n")


def given_a_past(folder: Path, lines: Sequence[str], days: float, over_time: Sequence[str]) -> None:
    """Backfill the families of the lines that these expressions name, block by block."""
    names = Counter(map(family, lines))
    text = "\n".join(over_time)
    spacings = {
        name: next(spacing for most, spacing in SPACINGS if count <= most)
        for name, count in names.items()
        if re.search(rf"(?<![\w:]){name}(?![\w:])", text)
    }
    past = [line for line in lines if family(line) in spacings]
    now, samples = time.time(), 0
    begin = now - days * DAY
    while begin < now:
        end = min(begin // BLOCK * BLOCK + BLOCK, now)
        moments = {spacing: past_moments(begin, end, spacing) for _, spacing in SPACINGS}
        samples += backfill(folder, {line: moments[spacings[family(line)]] for line in past}, GROWTH)
        begin = end
    print(f"{samples:,} samples of {len(past):,} series in {len(spacings)} families backfilled", flush=True)


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """The URL of a Prometheus with that store, as soon as it has scraped the page."""
    lines = (folder / "page").read_text().splitlines()
    with served(lines) as port, prometheus(folder, port, *FLAGS, rules=False) as url:
        deadline = time.monotonic() + 300
        while not asked(url, "scrape_samples_scraped > 0"):
            if time.monotonic() > deadline:
                raise SystemExit("Prometheus has not scraped the page in five minutes")
            time.sleep(2)
        yield url


def asked(url: str, expr: str) -> list[dict[str, dict[str, str]]]:
    """The answer to an instant query; nothing as long as Prometheus does not answer."""
    try:
        with urlopen(f"{url}/api/v1/query?{urlencode({'query': expr})}", timeout=300) as answer:
            return json.load(answer)["data"]["result"]
    except OSError:
        return []


def family(line: str) -> str:
    return re.split(r"[{ ]", line, maxsplit=1)[0]


def completed(lines: Iterable[str], text: str) -> Iterator[str]:
    """The lines, and made-up ones of the families that `text` asks for and that nearly all of their objects lack."""
    there: dict[str, set[Strings]] = defaultdict(set)
    by_name = {family.name: family for family in FAMILIES}
    objects: dict[Strings, dict[Strings, None]] = defaultdict(dict)
    hosts: dict[str, None] = {}
    for line in lines:
        yield line
        if known := by_name.get(family(line)):
            labels = dict(LABEL.findall(line))
            own = tuple(labels[name] for name in _own(known))
            there[known.name].add(own)
            objects[_own(known)][own] = None
            if labels.get("source", "").startswith("host"):
                hosts[labels["source"]] = None
    for lacking in FAMILIES:
        having, all_of_them = there[lacking.name], _objects(objects, _own(lacking))
        asked_for = lacking.name in text or lacking.name.startswith("ebbtide_scan_")
        if asked_for and (not having or len(having) < len(all_of_them) / 10):
            without = [own for own in all_of_them if own not in having]
            yield from _made_up(lacking, without, list(hosts)[:SCANNING_HOSTS])


def _objects(seen: Mapping[Strings, Iterable[Strings]], labels: Strings) -> list[Strings]:
    """The objects of these labels: those seen, or what is seen of objects that have more labels."""
    of = labels if labels in seen else next((more for more in seen if {*labels} <= {*more}), labels)
    return list(dict.fromkeys(tuple(own[of.index(label)] for label in labels) for own in seen.get(of, ())))


def _own(known: Family) -> Strings:
    return known.labels[: len(known.labels) - len(known.extra_labels)]


def _made_up(lacking: Family, objects: Iterable[Strings], hosts: Sequence[str]) -> Iterator[str]:
    kind = lacking.name.split("_")[1]
    sources = hosts if kind == "scan" else [kind]
    unknown = [(source, *("/srv" for _ in lacking.subject.labels)) for source in sources]
    each = 1 if lacking.type == "info" else 5
    extra = [VALUES.get(label, tuple(f"{label}{n}" for n in range(each))) for label in lacking.extra_labels]
    for number, values in enumerate(product(objects or unknown, *extra)):
        labels = dict(zip(lacking.labels, (*values[0], *values[1:]), strict=True))
        if labels.get("source", "").startswith("host") and not OF_HOSTS.match(lacking.name):
            continue
        written = ",".join(f'{name}="{value}"' for name, value in labels.items())
        yield f"{lacking.name}{{{written}}} {_value(lacking.name, number):.9g}"


def _value(name: str, number: int) -> float:
    if name.endswith(("_errors", "_incomplete", "_running")):
        return 0
    if re.search("_(due|order_by)_timestamp", name):
        return time.time() + (number % 1000 + 300) * HOUR
    if name.endswith("_deviation"):
        return number % 4
    if name.endswith("_timestamp_seconds"):
        return time.time() - number % 1000 * HOUR
    if name.endswith("_seconds"):
        return (1 + number % 365) * DAY
    if name.endswith(("_info", "_enabled", "_success")):
        return 1
    return number % 100 / 100 if name.endswith("_ratio") else 1e9 * (1 + number % 1000)


def limited(lines: Iterable[str], series: int) -> list[str]:
    """Without so many of the made-up hosts that about `series` lines are left."""
    kept = list(lines)
    of_host = Counter(found[1] for line in kept if (found := SOURCE.search(line)) and found[1].startswith("host"))
    left, gone = len(kept), set()
    for host in sorted(of_host, reverse=True):
        if left - of_host[host] < series:
            break
        left -= of_host[host]
        gone.add(f'source="{host}"')
    return [line for line in kept if not ((found := SOURCE.search(line)) and found[0] in gone)]


def recorded(folder: Path, lines: list[str]) -> list[str]:
    """What the rules make of the lines and a day of the same: what they record, and each alert as if it had waited."""
    start = time.time() - 25 * HOUR
    ranged = looked_back_on()
    backfill(folder, {line: past_moments(start, time.time(), 300) for line in lines if family(line) in ranged})
    with served(lines) as port, prometheus(folder, port) as url:
        evaluated(url, 240)
        found = asked(url, '{__name__=~".+:.+|ALERTS.*"}')
    lines = []
    for series in found:
        labels = series["metric"]
        # The page does not change, so in time every collector looks stale.
        if labels.get("alertname") == "EbbtideCollectorStale":
            continue
        name = labels.pop("__name__")
        if "alertstate" in labels:
            labels["alertstate"] = "firing"
        written = (f"{key}={json.dumps(labels[key], ensure_ascii=False)}" for key in labels if key not in TARGET)
        lines.append(f"{name}{{{','.join(written)}}} {series['value'][1]}")
    print(f"{len(lines):,} series recorded by the rules", flush=True)
    return lines
