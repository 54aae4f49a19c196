"""Clients that met and missed the vendor's service level, from the report that the Command Center shows it by.

GET a report dataset: a table whose columns are found by name, since releases order them differently.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from exporter.errors import SourceGarbled, reading
from exporter.http import dig
from exporter.model import Poll, ServiceLevel
from exporter.sources.commvault.client import CommvaultClient
from exporter.sources.commvault.fields import name, rows

ENDPOINT = "GET /cr/reportsplusengine/datasets/{}/data"

_QUESTION = {"cache": "true", "parameter.i_dashboardtype": "commcell", "datasource": 2}
_STATUS, _COUNT = "SLAStatus", "CurrentCount"
_MET, _MISSED = "Met SLA", "Missed SLA"


def fetch(client: CommvaultClient, poll: Poll) -> ServiceLevel:  # noqa: ARG001
    route = "/cr/reportsplusengine/datasets/{}/data"
    return parse(client.get(route, client.sla_dataset, params=_QUESTION))


def parse(payload: Any) -> ServiceLevel:
    """Raises SourceGarbled when the table has no row of clients that met or missed it; others do not count."""
    with reading(ENDPOINT):
        columns = [name(row, "name") for row in rows(payload, "columns", ENDPOINT)]
        named = f"columns are {', '.join(columns) or 'none'}"
        if _STATUS not in columns or _COUNT not in columns:
            raise ValueError(f"{named}: no {_STATUS} or no {_COUNT}")
        status, count = columns.index(_STATUS), columns.index(_COUNT)
        found: Counter[str] = Counter()
        others = set()
        for record in dig(payload, "records", endpoint=ENDPOINT, expect=list):
            if not isinstance(record, list) or len(record) <= max(status, count):
                raise SourceGarbled(f"{ENDPOINT}: records holds a row that does not fit the columns")
            word = str(record[status]).strip()
            if word in (_MET, _MISSED):
                found[word] += int(record[count])
            else:
                others.add(word)
        if not found:
            said = ", ".join(sorted(others)) or "nothing"
            raise ValueError(f"{named}: no row says {_MET} or {_MISSED}, {_STATUS} says {said}")
    return ServiceLevel(met=found[_MET], missed=found[_MISSED])
