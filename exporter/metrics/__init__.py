"""Every family the exporter publishes about its sources, declared once: name, help, subject, value.

From FAMILIES come the exposition, the metric table in the docs and the names that rules and dashboards may use.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from exporter.metrics import (
    anomalies,
    commvault_jobs,
    commvault_plans,
    commvault_storage,
    filesystem,
    groups,
    pools,
    sources,
    veeam_efficiency,
    veeam_files,
    veeam_jobs,
    veeam_server,
)
from exporter.metrics.family import Family, Measured, Row, Subject, Value
from exporter.metrics.sources import COLLECTOR, SOURCE

__all__ = ["BY_SUBJECT", "COLLECTOR", "FAMILIES", "SOURCE", "SUBJECTS", "Family", "Measured", "Row", "Subject", "Value", "measure"]  # fmt: skip

FAMILIES: tuple[Family, ...] = (
    *sources.FAMILIES,
    *pools.FAMILIES,
    *groups.FAMILIES,
    *anomalies.FAMILIES,
    *commvault_plans.FAMILIES,
    *commvault_storage.FAMILIES,
    *commvault_jobs.FAMILIES,
    *veeam_jobs.FAMILIES,
    *anomalies.VEEAM_FAMILIES,
    *veeam_files.FAMILIES,
    *veeam_server.FAMILIES,
    *veeam_efficiency.FAMILIES,
    *filesystem.FAMILIES,
)
SUBJECTS: tuple[Subject, ...] = tuple(dict.fromkeys(family.subject for family in FAMILIES))
BY_SUBJECT: Mapping[Subject, tuple[Family, ...]] = {
    subject: tuple(family for family in FAMILIES if family.subject is subject) for subject in SUBJECTS
}


def measure(subject: Subject, records: Iterable[Any]) -> list[Measured]:
    """Every family of the subject, read from the records."""
    named = [(subject.name(record), record) for record in records]
    return [
        Measured(
            family,
            [
                (name + extra, float(value))
                for name, record in named
                for extra, value in family.rows(record)
                if value is not None and not math.isnan(value)
            ],
        )
        for family in BY_SUBJECT[subject]
    ]
