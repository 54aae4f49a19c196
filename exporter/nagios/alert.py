"""`check_ebbtide alert NAME`: the state of an alert, for what needs a past or `for`, and where only rules judge."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from nagiosplugin import Performance

from exporter.nagios.check import performance
from exporter.nagios.fetch import Access, NoAnswer, Prometheus
from exporter.nagios.verdict import Finding, State, Verdict

# What severities are to Nagios; info is told and is no problem.
STATES = {"critical": State.CRITICAL, "warning": State.WARNING, "info": State.OK, "none": State.OK}
WATCHDOG = "EbbtideWatchdog"
_TOO_OLD = 5


class NoSuchAlert(Exception):
    pass


def from_prometheus(prometheus: Prometheus, name: str, source: str, pool: str, now: float) -> Verdict:
    """Raises NoSuchAlert where no rule has the name, or where Prometheus does not evaluate it."""
    groups = prometheus.ask("rules", {"type": "alert"})["groups"]
    rules = [(group, rule) for group in groups for rule in group["rules"] if rule["name"] == name]
    if not rules:
        raise NoSuchAlert(f"Prometheus has no alert {name}; are the rules loaded?")
    found: list[Finding] = []
    pending = 0
    for group, rule in rules:
        if rule["health"] == "err":
            raise NoSuchAlert(f"Prometheus cannot evaluate {name}: {rule.get('lastError', '')}")
        age = now - _moment(rule["lastEvaluation"])
        if age > _TOO_OLD * max(float(group["interval"]), 1.0):
            raise NoSuchAlert(f"Prometheus has not evaluated {name} for {age:.0f} seconds")
        for alert in rule["alerts"]:
            if _chosen(alert["labels"], source, pool):
                pending += alert["state"] == "pending"
                found += [_finding(alert)] if alert["state"] == "firing" else []
    return _verdict(name, found, [performance("pending", pending, least=0)])


def from_alertmanager(url: str, access: Access, name: str, source: str, pool: str) -> Verdict:
    """Silenced and inhibited alerts are listed and count as OK. Raises NoSuchAlert where the watchdog is missing."""
    alerts = access.json(f"{url.rstrip('/')}/api/v2/alerts", [("filter", f'alertname=~"{name}|{WATCHDOG}"')])
    if not isinstance(alerts, list):
        raise NoAnswer(f"{url}: the answer is not Alertmanager's")
    if not any(alert["labels"]["alertname"] == WATCHDOG for alert in alerts):
        raise NoSuchAlert(f"Alertmanager hears nothing from the rules: {WATCHDOG} is missing")
    chosen = [a for a in alerts if a["labels"]["alertname"] == name and _chosen(a["labels"], source, pool)]
    active = [a for a in chosen if a["status"]["state"] != "suppressed"]
    found = [_finding(alert) for alert in active]
    found += [
        Finding(_name(a), State.OK, "is silenced or explained by another alert") for a in chosen if a not in active
    ]
    return _verdict(name, found, [performance("suppressed", len(chosen) - len(active), least=0)])


def _verdict(name: str, found: Iterable[Finding], more: Iterable[Performance]) -> Verdict:
    findings = list(found)
    count = performance("firing", sum("is silenced" not in f.text for f in findings), least=0)
    return Verdict(name, "alerts", findings or [Finding("the alert", State.OK, "does not fire")], [count, *more])


def _finding(alert: Mapping[str, Any]) -> Finding:
    severity = alert["labels"].get("severity", "")
    text = f"({severity}) {alert['annotations'].get('summary', 'fires')}"
    return Finding(_name(alert), STATES.get(severity, State.WARNING), text)


def _name(alert: Mapping[str, Any]) -> str:
    labels = alert["labels"]
    return "/".join(labels[k] for k in ("source", "pool", "ddb", "plan", "backup_job") if labels.get(k)) or "alert"


def _chosen(labels: Mapping[str, str], source: str, pool: str) -> bool:
    return fnmatchcase(labels.get("source", ""), source) and fnmatchcase(labels.get("pool", ""), pool)


def _moment(text: str) -> float:
    """Prometheus writes nanoseconds, which datetime refuses."""
    return datetime.fromisoformat(re.sub(r"\.\d+", "", text)).timestamp()
