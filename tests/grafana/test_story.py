"""The past behind the pictures: rules in the order they rest on each other, servers that fill by a formula."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from tests.grafana.boards import GRAFANA

END = 1_790_000_000.0
DAY = 86400.0


def module(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A script of grafana/preview."""
    monkeypatch.syspath_prepend(str(GRAFANA / "preview"))
    spec = importlib.util.spec_from_file_location(name, GRAFANA / f"preview/{name}.py")
    assert spec
    assert spec.loader
    found = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up.
    monkeypatch.setitem(sys.modules, name, found)
    spec.loader.exec_module(found)
    return found


def test_every_shipped_rule_is_recorded_after_those_it_rests_on(monkeypatch: pytest.MonkeyPatch) -> None:
    story = module("story", monkeypatch)
    rules, alerts = story._rules()
    levels = story._levels(rules)
    assert sum(map(len, levels)) == len(rules) > 200
    assert len(alerts) > 50
    left = Counter(rule["record"] for rule in rules)
    for level in levels:
        for rule in level:
            others = {name for name in re.findall(r"[\w:]+", rule["expr"]) if left[name]} - {rule["record"]}
            assert not others, rule["record"]
        left -= Counter(rule["record"] for rule in level)


def test_rules_in_a_circle_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    story = module("story", monkeypatch)
    with pytest.raises(SystemExit, match="a:b"):
        story._levels([{"record": "a:b", "expr": "c:d"}, {"record": "c:d", "expr": "1 + a:b"}])


def test_a_mount_fills_turns_read_only_and_stops_answering_when_its_time_has_come(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fileserver = module("fileserver", monkeypatch)
    servers = fileserver.FileServers(tmp_path, tmp_path, END, 10 * DAY)
    database, application = servers.statvfs("db01"), servers.statvfs("app01")
    before = database(b"/var/lib/postgresql").f_bavail
    assert not application(b"/opt").f_flag & os.ST_RDONLY
    assert application(b"/mnt/exchange").f_blocks
    files = len(list(servers.root.rglob("*.*")))
    servers.go_live()
    assert database(b"/var/lib/postgresql").f_bavail < before
    assert application(b"/opt").f_flag & os.ST_RDONLY
    assert not application(b"/").f_flag & os.ST_RDONLY
    with pytest.raises(OSError, match=r"[Ss]tale"):
        application(b"/mnt/exchange")
    assert len(list(servers.root.rglob("*.*"))) > files > 100
