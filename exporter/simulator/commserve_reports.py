"""Report datasets: tables whose columns are told beside them."""

from exporter.simulator.commserve_call import Body, Call, Route, no_such
from exporter.simulator.commserve_plans import plans_of_clients
from exporter.simulator.messages import Answer

SLA = "getslacounts"


def dataset(call: Call) -> Body | Answer:
    """A client misses the service level while the fulls of its plan fail."""
    if call.words[0].lower() != SLA:
        return Answer(no_such("dataset"), 404)
    missed = [call.estate.full_fails(plan, call.at) for plan in plans_of_clients(call)]
    records = [[1, "cs01", "Met SLA", missed.count(False)], [2, "cs01", "Missed SLA", missed.count(True)]]
    names = ("sys_rowid", "Data Source", "SLAStatus", "CurrentCount")
    return {
        "totalRecordCount": len(records),
        "recordsCount": len(records),
        "columns": [{"name": name, "dataField": name} for name in names],
        "records": records,
        "failures": {},
        "warnings": {},
    }


ROUTES = (Route("GET", "cr/reportsplusengine/datasets/{}/data", dataset),)
