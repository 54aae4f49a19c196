"""Which alerts would have fired? The shipped rules, replayed over a past.

    python benchmarks/replay.py                       a healthy simulated year: nothing may fire
    python benchmarks/replay.py --faults              the same with faults: each must raise its alerts
    python benchmarks/replay.py --url http://prometheus.example.com:9090 --days 30     your own past

The past is loaded into a VictoriaMetrics that lives as long as this program (Debian: victoria-metrics), so nothing is
written to yours. The exit status of a simulated past is 1 when an alert fires that should not, or not that should.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import requests
from faults import Fault, bad_time
from victoria import Firing, firings, replay, rule_stages, victoria, write
from year import STEP, Year, families

from exporter.model import DAY, HOUR

# Fires always, by intention.
WATCHDOG = "EbbtideWatchdog"
SETTLING = 2 * DAY
_TARGET = {"job": "ebbtide", "instance": "replay"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=float, default=365.0)
    parser.add_argument("--pools", type=int, default=20, help="of the simulated estate")
    parser.add_argument("--poll-minutes", type=float, default=15.0, help="no simulated collector polls more often")
    parser.add_argument("--faults", action="store_true", help="the simulated estate has faults, one after the other")
    parser.add_argument("--no-veeam", action="store_true", help="simulate a CommServe only")
    parser.add_argument("--url", help="of a Prometheus or VictoriaMetrics with a past of its own")
    parser.add_argument("--job", default="ebbtide.*", help="the scrape job there, a regular expression")
    chosen = parser.parse_args()
    end = time.time() // STEP * STEP
    start = end - chosen.days * DAY
    with tempfile.TemporaryDirectory(prefix="ebbtide-replay-") as name:
        folder = Path(name)
        faults: Sequence[Fault] = bad_time(chosen.days * DAY) if chosen.faults else ()
        with victoria(folder) as store:
            began = time.monotonic()
            if chosen.url:
                count = copied(chosen.url, chosen.job, store, start, end)
            else:
                year = Year(
                    folder, end=end, days=chosen.days, pools=chosen.pools, poll_every=chosen.poll_minutes * 60,
                    faults=faults, veeam=not chosen.no_veeam,
                )  # fmt: skip
                count = simulated(year, store)
                year.close()
            print(f"{count:,} samples of {chosen.days:g} days in {time.monotonic() - began:.0f} s", flush=True)
            began = time.monotonic()
            replay(store, rule_stages(folder, STEP), start, end)
            print(f"rules replayed in {time.monotonic() - began:.0f} s", flush=True)
            found = [f for f in firings(store, start, end, STEP) if f.name != WATCHDOG]
    report(found)
    return 0 if chosen.url else judge(found, faults, start)


def simulated(year: Year, store: str) -> int:
    """Load the simulated past, a day at a time; how many samples."""
    wanted = families()
    count, day, shown, lines = 0, [], "", []
    for moment, page in year.steps():
        if page is not shown:
            shown = page
            lines = [line for line in page.splitlines() if line.partition("{")[0] in wanted]
        stamp = f" {moment * 1000:.0f}\n"
        day += [stamp.join(lines), stamp, f"up 1{stamp}"]
        count += len(lines) + 1
        if len(day) >= 3 * DAY / STEP:
            write(store, day, _TARGET)
            day = []
            print(f"  {(moment - year.start) / DAY:.0f} days lived", flush=True)
    write(store, day, _TARGET)
    return count


def copied(url: str, job: str, store: str, start: float, end: float) -> int:
    """Load what the rules read from somebody's Prometheus, an hour at a time; how many samples.

    A range selector asked at one instant answers with raw samples, whatever their spacing.
    """
    names = "|".join(sorted({*families(), "up"}))
    count, at = 0, start
    while at < end:
        until = min(at + HOUR, end)
        query = f'{{__name__=~"{names}", job=~"{job}"}}[{until - at:.0f}s]'
        answer = requests.post(f"{url.rstrip('/')}/api/v1/query", data={"query": query, "time": until}, timeout=600)
        answer.raise_for_status()
        lines = [line for series in answer.json()["data"]["result"] for line in _lines(series)]
        if lines:
            write(store, lines, {})
        count += len(lines)
        at = until
    return count


def _lines(series: dict[str, dict[str, str]]) -> Iterator[str]:
    labels = dict(series["metric"])
    name = labels.pop("__name__")
    inside = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items())
    for at, value in series["values"]:
        yield f"{name}{{{inside}}} {value} {float(at) * 1000:.0f}\n"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def report(found: Sequence[Firing]) -> None:
    print(f"{len(found)} alerts fired")
    for firing in found:
        about = ", ".join(
            f"{key}={value}"
            for key, value in sorted(firing.labels.items())
            if key not in ("alertname", "severity", "category", "component", "kind", "job", "instance", "oid")
        )
        span = f"{_day(firing.begins)} to {_day(firing.ends)}"
        print(f"  {span}  {firing.labels.get('severity', ''):<8} {firing.name:<44} {about}")


def judge(found: Sequence[Firing], faults: Sequence[Fault], start: float) -> int:
    """Say what fired without a fault and what did not fire with one; the exit status.

    What fires in the first days tells how the estate is set up, or looks back on what was not there: that is no alarm.
    """
    settled = start + SETTLING
    missing = [
        (fault, name, about)
        for fault in faults
        for name, about in fault.raises
        if not any(f.name == name and about in f.labels.values() and _during(f, fault, start) for f in found)
    ]
    first = {frozenset(f.labels.items()) for f in found if f.begins < settled}
    later = [f for f in found if frozenset(f.labels.items()) not in first]
    false = [f for f in later if not any(_explains(fault, f, start) for fault in faults)]
    for fault, name, about in missing:
        print(f"MISSING: {fault.story} of {fault.object} raised no {name} of {about}")
    print(f"{len(first)} alerts since the first days: {sorted({dict(labels)['alertname'] for labels in first})}")
    print(f"{sum(len(f.raises) for f in faults) - len(missing)} alerts raised as they should, {len(missing)} missing")
    print(f"{len(false)} false alarms: {sorted({f.name for f in false})}")
    return 1 if missing or false else 0


def _explains(fault: Fault, firing: Firing, start: float) -> bool:
    expected = any(f == firing.name and about in firing.labels.values() for f, about in (*fault.raises, *fault.may))
    begins = start + fault.begins
    return expected and begins <= firing.begins <= begins + fault.seconds + fault.aftermath


def _during(firing: Firing, fault: Fault, start: float) -> bool:
    begins = start + fault.begins
    return begins <= firing.begins <= begins + fault.seconds + 2 * DAY


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")


if __name__ == "__main__":
    raise SystemExit(main())
