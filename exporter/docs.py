"""What the documentation takes from the code: the table of metrics."""

from __future__ import annotations

from prometheus_client.metrics import MetricWrapperBase

from exporter.metrics import FAMILIES, Family
from exporter.telemetry import Telemetry

_TITLES = {
    "ebbtide_source": "Sources and collectors",
    "ebbtide_pool": "Pools of every kind",
    "ebbtide_group": "Groups of pools",
    "ebbtide_operation": "Jobs of every kind",
    "ebbtide_retention": "Retention",
    "ebbtide_commvault": "Commvault",
    "ebbtide_veeam": "Veeam Backup & Replication",
    "ebbtide_filesystem": "Filesystems and scans",
}


_TITLE = """# Metrics

Written by `ebbtide docs --metrics` from the code. A value that is not known is no sample: never 0, never -1.
"""


def metric_tables() -> str:
    """A page of Markdown with a table of every family; those about the exporter itself come last."""
    text = _TITLE
    title = ""
    for family in FAMILIES:
        new = next((t for prefix, t in _TITLES.items() if family.name.startswith(prefix)), title)
        if new != title:
            text += f"\n## {new}\n\n| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n"
            title = new
        text += _row(family)
    text += "\n## The exporter itself\n\n| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n"
    for metric in vars(Telemetry()).values():
        if isinstance(metric, MetricWrapperBase):
            suffix = "_total" if metric._type == "counter" else ""
            labels = ", ".join(metric._labelnames)
            text += f"| `{metric._name}{suffix}` | {metric._type} | {labels} | {metric._documentation} |\n"
    text += "| `ebbtide_build_info` | info | version, python_version | Version of the exporter and of its Python. |\n"
    return text


def _row(family: Family) -> str:
    return f"| `{family.name}` | {family.type} | {', '.join(family.labels)} | {family.help} |\n"
