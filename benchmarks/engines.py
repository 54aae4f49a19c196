"""Do the same rule files fire the same alerts in Prometheus and in vmalert?

    python benchmarks/engines.py

Both get the same past of a simulated estate with several faults at its end, scrape the same page from then on and
evaluate the shipped rules without their `for`; what each says fires is compared label by label.
Needs prometheus, promtool, victoria-metrics and vmalert.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from urllib.request import urlopen

import yaml
from faults import APEX, GOLD, SECOND, Fault
from rule_cost import served
from victoria import free_port, needed, stop, victoria, write
from year import RULES, Year, families

from exporter.model import DAY

TARGET = {"job": "ebbtide", "instance": "page"}
EVALUATION_S = 5
# Of a label set, what only one of the two adds.
OWN_LABELS = ("alertgroup", "alertname")
Alert = tuple[str, frozenset[tuple[str, str]]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=float, default=4.0)
    parser.add_argument("--pools", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=90.0, help="how long both evaluate before they are asked")
    chosen = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ebbtide-engines-")))
        store = stack.enter_context(victoria(folder))
        page = lived(folder, store, chosen.days, chosen.pools)
        port = stack.enter_context(served(page))
        prometheus, vmalert = _start(stack, folder, store, port)
        time.sleep(chosen.seconds)
        one, other = firing(prometheus), firing(vmalert)
    names = Counter(name for name, _ in one)
    for name in sorted({*names, *(name for name, _ in other)}):
        print(f"  {name:<48} {names[name]:4} in Prometheus {sum(n == name for n, _ in other):4} in vmalert")
    for alert in sorted(one ^ other, key=str):
        print(f"only in {'Prometheus' if alert in one else 'vmalert'}: {alert[0]} {dict(alert[1])}")
    print(f"{len(one & other)} alerts in both, {len(one ^ other)} in one only")
    return 1 if one ^ other or not one else 0


def lived(folder: Path, store: str, days: float, pools: int) -> list[str]:
    """Give both stores the same past, up to now; the last page."""
    late = (days - 1.3) * DAY
    until = 2 * DAY
    faults = [
        Fault("agent_dead", "ma03", until, [], begins=late),
        Fault("pruning_stopped", APEX, until, [], begins=late),
        Fault("ddb_sealed", GOLD, until, [], begins=late),
        Fault("storm", SECOND, until, [], options=(("bytes_per_hour", 1.0 * 1024**4),), begins=late),
        Fault("retention_regressed", "Gold", until, [], begins=late),
        Fault("job_failing", "VM Exchange", until, [], begins=late - 1.5 * DAY),
    ]
    year = Year(folder, end=time.time(), days=days, pools=pools, poll_every=1800, faults=faults)
    wanted = families()
    inside = ",".join(f'{key}="{value}"' for key, value in TARGET.items())
    samples: dict[str, list[str]] = {}
    lines: list[str] = []
    for moment, page in year.steps():
        lines = [line for line in page.splitlines() if line.partition("{")[0] in wanted]
        write(store, [f"{line} {moment * 1000:.0f}\n" for line in lines], TARGET)
        for line in lines:
            series, _, value = line.rpartition(" ")
            samples.setdefault(series, []).append(f"{value} {moment:.0f}\n")
    year.close()
    with (folder / "past.om").open("w") as file:
        for series in sorted(samples):
            file.writelines(f"{series[:-1]},{inside}}} {sample}" for sample in samples[series])
        file.write("# EOF\n")
    subprocess.run(
        [needed("promtool"), "tsdb", "create-blocks-from", "--max-block-duration=744h", "openmetrics",
         folder / "past.om", folder / "tsdb"], check=True, capture_output=True,
    )  # fmt: skip
    return lines


def _start(stack: ExitStack, folder: Path, store: str, page_port: int) -> tuple[str, str]:
    """The URLs of a Prometheus and a vmalert that evaluate."""
    rules = folder / "rules"
    rules.mkdir()
    for path in sorted(RULES.rglob("*.yaml")):
        content = yaml.safe_load(path.read_text())
        for group in content["groups"]:
            group["interval"] = f"{EVALUATION_S}s"
            for rule in group["rules"]:
                for key in ("for", "keep_firing_for", "annotations"):
                    rule.pop(key, None)
        (rules / f"{path.parent.name}-{path.name}").write_text(yaml.safe_dump(content, sort_keys=False))
    static = [{"targets": [f"127.0.0.1:{page_port}"], "labels": {"instance": "page"}}]
    scrapes = {"scrape_configs": [{"job_name": "ebbtide", "scrape_interval": "5s", "static_configs": static}]}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(scrapes | {"rule_files": [f"{rules}/*.yaml"]}))
    (folder / "scrape.yml").write_text(yaml.safe_dump(scrapes))
    prometheus, vmalert, agent = (f"127.0.0.1:{free_port()}" for _ in range(3))
    commands = [
        [needed("prometheus"), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
         f"--web.listen-address={prometheus}", "--storage.tsdb.retention.time=10y"],
        [needed("vmagent"), f"-promscrape.config={folder}/scrape.yml", f"-remoteWrite.url={store}/api/v1/write",
         f"-remoteWrite.tmpDataPath={folder}/agent", f"-httpListenAddr={agent}"],
        [needed("vmalert"), f"-rule={rules}/*.yaml", f"-datasource.url={store}", f"-remoteWrite.url={store}",
         f"-notifier.url={store}", f"-httpListenAddr={vmalert}", f"-evaluationInterval={EVALUATION_S}s"],
    ]  # fmt: skip
    for command in commands:
        log = stack.enter_context((folder / f"{Path(command[0]).name}.log").open("wb"))
        stack.callback(stop, subprocess.Popen(command, stdout=log, stderr=log))
    return f"http://{prometheus}", f"http://{vmalert}"


def firing(url: str) -> set[Alert]:
    with urlopen(f"{url}/api/v1/alerts", timeout=60) as answer:
        alerts = json.load(answer)["data"]["alerts"]
    return {_named(a["labels"], a.get("name", "")) for a in alerts if a["state"] == "firing"}


def _named(labels: Mapping[str, str], name: str) -> Alert:
    return labels.get("alertname", name), frozenset((k, v) for k, v in labels.items() if k not in OWN_LABELS)


if __name__ == "__main__":
    raise SystemExit(main())
