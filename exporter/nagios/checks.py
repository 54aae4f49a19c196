"""All checks by name. To add one: an entry in the module of its subject, and the alerts whose verdict it shares."""

from __future__ import annotations

from exporter.nagios import capacity, commvault, health, retention, veeam
from exporter.nagios.check import Check

CHECKS: dict[str, Check] = {
    check.name: check for module in (capacity, commvault, retention, veeam, health) for check in module.CHECKS
}
