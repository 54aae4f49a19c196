"""Clients that met and missed the vendor's service level, from the report that the Command Center shows it by.

GET a report dataset: a table whose columns are found by name, since releases order them differently.
"""

from __future__ import annotations

from typing import Any

from exporter.errors import SourceGarbled, reading
from exporter.http import dig
from exporter.model import Poll, ServiceLevel
from exporter.sources.commvault.client import CommvaultClient
from exporter.sources.commvault.fields import name, rows

ENDPOINT = "GET /cr/reportsplusengine/datasets/{}/data"

_QUESTION = {"cache": "true", "parameter.i_dashboardtype": "commcell", "datasource": 2}
_MET, _MISSED = "met sla", "missed sla"


def fetch(client: CommvaultClient, poll: Poll) -> ServiceLevel:  # noqa: ARG001
    route = "/cr/reportsplusengine/datasets/{}/data"
    return parse(client.get(route, client.sla_dataset, params=_QUESTION))


def parse(payload: Any) -> ServiceLevel:
    """Raises SourceGarbled when the table has no row of clients that met or missed it; others do not count."""
    with reading(ENDPOINT):
        columns = ["".join(name(row, "name").lower().split()) for row in rows(payload, "columns", ENDPOINT)]
        status = next((i for i, column in enumerate(columns) if column == "slastatus"), None)
        count = next((i for i, column in enumerate(columns) if column.endswith("count")), None)
        if status is None or count is None:
            raise ValueError(f"columns are {', '.join(columns) or 'none'}: no SLAStatus or no count")
        found = {_MET: 0, _MISSED: 0}
        seen = False
        for record in dig(payload, "records", endpoint=ENDPOINT, expect=list):
            if not isinstance(record, list) or len(record) <= max(status, count):
                raise SourceGarbled(f"{ENDPOINT}: records holds a row that does not fit the columns")
            word = str(record[status]).strip().lower()
            if word in found:
                seen = True
                found[word] += int(record[count])
    if not seen:
        raise SourceGarbled(f"{ENDPOINT}: no row says Met SLA or Missed SLA")
    return ServiceLevel(met=found[_MET], missed=found[_MISSED])
