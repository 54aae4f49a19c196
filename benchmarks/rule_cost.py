"""What evaluating the shipped rules costs a real Prometheus at full scale: a CommCell of 200 plans, VBR servers, hosts.

    python benchmarks/rule_cost.py

The page is the exporter's own, of simulated servers and of this machine's filesystems, the latter repeated under other
names until it has as many series as asked. What rules look back on is backfilled. Needs prometheus and promtool.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import urlopen

import yaml
from victoria import free_port, needed, stop
from year import ACCOUNT, RULES, families

from exporter import config
from exporter.model import DAY
from exporter.service import Service
from exporter.simulator.clock import Clock
from exporter.simulator.commserve import CommServe
from exporter.simulator.estate import Estate
from exporter.simulator.sizes import Size
from exporter.simulator.vbr import Vbr
from exporter.simulator.vbr_estate import VbrEstate
from exporter.simulator.wire import Server

SCALE = Size(pools=75, plans=200, rules=500, agents=243, clients=3_600, jobs=40_000)
MOUNTS_PER_HOST = 8
SLOW_S = 0.2
GROWING = re.compile(r"_(bytes|total|ratio|deletes)\b")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=156_000)
    parser.add_argument("--past-hours", type=float, default=25.0, help="how far back the backfilled past reaches")
    parser.add_argument("--spacing", type=float, default=120.0, help="seconds from one sample of the past to the next")
    parser.add_argument("--minutes", type=float, default=5.0, help="how long Prometheus evaluates")
    chosen = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ebbtide-rules-")))
        lines = page(folder, stack, chosen.series)
        print(f"{len(lines):,} series, {sum(map(len, lines)) / 1e6:.0f} MB", flush=True)
        ranged = looked_back_on()
        past = [line for line in lines if line.partition("{")[0] in ranged]
        start = time.time() - chosen.past_hours * 3600
        samples = backfill(folder, {line: past_moments(start, time.time(), chosen.spacing) for line in past})
        print(f"{samples:,} samples of {len(past):,} series backfilled", flush=True)
        url = stack.enter_context(prometheus(folder, stack.enter_context(served(lines))))
        worst = evaluated(url, chosen.minutes * 60)
    report(worst)


def page(folder: Path, stack: ExitStack, series: int) -> list[str]:
    """The lines of a page with so many series."""
    clock = Clock(rate=0.0)
    estate = Estate(SCALE, clock, age=30 * DAY)
    applications = {
        "commvault": CommServe(
            estate, clock, username=ACCOUNT[0], password=ACCOUNT[1], ddb_pending_deletes=True
        ),
        "veeam": Vbr(VbrEstate("documents", clock), clock, username=ACCOUNT[0], password=ACCOUNT[1]),
    }  # fmt: skip
    password = folder / "password"
    password.touch(0o600)
    password.write_text(ACCOUNT[1])
    sources: list[dict[str, object]] = [{"name": "host0000", "kind": "filesystem"}]
    for kind, application in applications.items():
        server = stack.enter_context(Server(application))
        url = f"{server.url}/webconsole/api" if kind == "commvault" else server.url
        account = {"username": ACCOUNT[0], "password_file": str(password)}
        sources.append({"name": kind, "kind": kind, "url": url, **account})
    path = folder / "ebbtide.yml"
    path.write_text(yaml.safe_dump({"history": {"url": f"sqlite:///{folder}/history.db"}, "sources": sources}))
    service = Service(config.load(path), path)
    stack.callback(service.close)
    now = time.time()
    for at in (now - 600, now):
        for state in service.poll_once(at):
            if state.success is False:
                print(f"{state.source}/{state.collector}: {state.error}", flush=True)
    # As of that moment: the polls may have taken so long that some of it has expired.
    lines = [line for line in service.page(now).decode().splitlines() if not line.startswith("#")]
    return [*lines, *_hosts(lines, series - len(lines))]


def _hosts(lines: list[str], wanted: int) -> Iterator[str]:
    """That many more lines, each host with the filesystem of the first one, mounted several times."""
    own = [line for line in lines if 'source="host0000"' in line]
    mount = re.search(r'filesystem_readonly\{source="host0000",pool="([^"]*)"', "\n".join(own))
    if mount is None:
        raise SystemExit("this machine has no filesystem to take as a model")
    once = f'pool="{mount[1]}"'
    made, host = 0, 1
    while True:
        for line in own:
            if 'pool="' in line and once not in line:
                continue
            for number in range(MOUNTS_PER_HOST if once in line else 1):
                if made == wanted:
                    return
                made += 1
                other = line.replace("host0000", f"host{host:04d}").replace(once, f'pool="/data/{number}"')
                yield other
        host += 1


def looked_back_on() -> frozenset[str]:
    """The families that some rule asks for more than the newest sample of."""
    expressions = [
        rule["expr"]
        for path in RULES.rglob("*.yaml")
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
        if re.search(r"\[\d|\boffset\b", rule["expr"])
    ]
    return frozenset(name for name in families() if any(name in expr for expr in expressions))


def past_moments(start: float, end: float, spacing: float) -> list[float]:
    return [start + number * spacing for number in range(int((end - start) / spacing))]


def backfill(folder: Path, past: Mapping[str, Sequence[float]], growth: float = 0.0) -> int:
    """Write the value of each line at its moments into the store of Prometheus; how many samples.

    growth: the share of its present value by which a size or a counter grows in a second.
    """
    now = time.time()
    target = 'job="ebbtide",instance="page"}'
    with (folder / "past.om").open("w") as file:
        for line in sorted(past):
            series, _, value = line.rpartition(" ")
            series = f"{series[:-1]},{target}" if series.endswith("}") else f"{series}{{{target}"
            if growth and GROWING.search(series.partition("{")[0]):
                size = float(value)
                file.write("".join(f"{series} {size - size * growth * (now - at):.9g} {at:.0f}\n" for at in past[line]))
            else:
                file.write("".join(f"{series} {value} {at:.0f}\n" for at in past[line]))
        file.write("# EOF\n")
    subprocess.run(
        [needed("promtool"), "tsdb", "create-blocks-from", "--max-block-duration=744h", "openmetrics",
         folder / "past.om", folder / "tsdb"], check=True, capture_output=True,
    )  # fmt: skip
    (folder / "past.om").unlink()
    return sum(map(len, past.values()))


@contextmanager
def served(lines: list[str]) -> Iterator[int]:
    body = ("\n".join(lines) + "\n").encode()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()


@contextmanager
def prometheus(folder: Path, page_port: int, *flags: str, rules: bool = True) -> Iterator[str]:
    static = [{"targets": [f"127.0.0.1:{page_port}"], "labels": {"instance": "page"}}]
    content = {
        "global": {"scrape_interval": "30s", "scrape_timeout": "30s", "evaluation_interval": "1m"},
        "rule_files": [f"{RULES}/*.yaml", f"{RULES}/alerts/*.yaml"] if rules else [],
        "scrape_configs": [{"job_name": "ebbtide", "static_configs": static}],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(content))
    port = free_port()
    command = [
        needed("prometheus"), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
        f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=10y",
        *flags,
    ]  # fmt: skip
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(process)


def evaluated(url: str, seconds: float) -> dict[tuple[str, str], list[float]]:
    """Seconds of each evaluation seen, by (group, rule); the rule "" is the whole group."""
    seen: dict[tuple[str, str], dict[str, float]] = {}
    time.sleep(90)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(15)
        with urlopen(f"{url}/api/v1/rules", timeout=60) as answer:
            groups = json.load(answer)["data"]["groups"]
        for group in groups:
            seen.setdefault((group["name"], ""), {})[group["lastEvaluation"]] = group["evaluationTime"]
            for place, rule in enumerate(group["rules"]):
                if rule["health"] == "err":
                    raise SystemExit(f"{rule['name']}: {rule['lastError']}")
                key = (group["name"], f"{place:03d} {rule['name']} {rule.get('labels', {}).get('severity', '')}")
                seen.setdefault(key, {})[rule["lastEvaluation"]] = rule["evaluationTime"]
    return {key: sorted(times.values()) for key, times in seen.items()}


def report(times: dict[tuple[str, str], list[float]]) -> None:
    groups = {group: each for (group, rule), each in times.items() if not rule}
    print("group: median and maximum of its evaluations, in ms")
    for group, each in sorted(groups.items(), key=lambda item: -item[1][len(item[1]) // 2]):
        print(f"  {group:<40} {each[len(each) // 2] * 1000:8.1f} {each[-1] * 1000:8.1f}")
    print(f"  {'all groups together':<40} {sum(each[len(each) // 2] for each in groups.values()) * 1000:8.1f}")
    slow = {rule: each for (_, rule), each in times.items() if rule and each[len(each) // 2] > SLOW_S}
    print(f"{len(slow)} rules over {SLOW_S * 1000:.0f} ms")
    for rule, each in sorted(slow.items(), key=lambda item: -item[1][len(item[1]) // 2]):
        print(f"  {rule[4:]:<70} {each[len(each) // 2] * 1000:8.1f}")


if __name__ == "__main__":
    main()
