"""Writes grafana/dashboards/<folder>/<uid>.json, which are committed: `python grafana/source/build.py [TARGET]`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import alerts
import capacity
import cv_cycles
import cv_infrastructure
import cv_jobs
import cv_plan
import cv_pruning
import cv_retention
import cv_timeline
import executive
import exporter_health
import filesystems
import glossary
import groups
import overview
import pool
import pools
import scans
import troubleshoot
import veeam_efficiency
import veeam_jobs

FOLDERS = {
    "Overview": (
        overview,
        troubleshoot,
        executive,
        groups,
    ),
    "Commvault": (cv_retention, cv_cycles, cv_plan, cv_pruning, cv_jobs, cv_infrastructure, cv_timeline),
    "Capacity": (pools, pool, capacity),
    "Veeam": (veeam_jobs, veeam_efficiency),
    "Filesystems": (filesystems, scans),
    "Operations": (exporter_health, alerts, glossary),
}


def build(target: Path) -> None:
    for folder, modules in FOLDERS.items():
        (target / folder).mkdir(parents=True, exist_ok=True)
        for module in modules:
            board = module.build()
            text = json.dumps(board, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
            (target / folder / f"{board['uid']}.json").write_text(text)


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "dashboards")
