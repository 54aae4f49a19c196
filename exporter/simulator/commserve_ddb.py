"""Deduplication databases: listed by a query command, told in detail one by one."""

from exporter.simulator.commserve_call import BAD_REQUEST, Body, Call, Route, no_such
from exporter.simulator.jobs import DDB_BACKUP_START
from exporter.simulator.messages import Answer
from exporter.simulator.retention import day_of, noon_of
from exporter.simulator.sizes import MIB
from exporter.simulator.stores import PARTITION_DISK, Partition, Store, partitions_of

PRUNING_ENABLED, GARBAGE_COLLECTION, JOURNAL_PRUNING = 536870912, 4, 8
COPY_OF_POOL = 900


def query_command(call: Call) -> Body | Answer:
    """POST, although it only reads: which of its two questions is asked is the key of the body."""
    asked = call.request.json()
    if "EVGui_DDBEnginesReq" in asked:
        return {"engines": [_engine(store) for store in call.estate.stores]}
    if "EVGui_SubStoreListReq" in asked:
        store = call.estate.stores.find(int(asked["EVGui_SubStoreListReq"].get("storeId", -1)))
        listed = partitions_of(store) if store else ()
        return {"subStoreList": [{**_place(part), "status": _status(call, part)} for part in listed]}
    return BAD_REQUEST


def information(call: Call) -> Body:
    store = call.estate.stores.find(call.number())
    if store is None:
        return no_such("deduplication database")
    return {"subStoreList": [_partition(call, part) for part in partitions_of(store)]}


def _engine(store: Store) -> Body:
    spec = store.pool.spec
    return {
        "storeId": store.id,
        "storeName": store.name,
        "sealedTime": int(store.sealed_at or 0),
        "status": 0,
        "ddbVersion": -1,
        "storeFlags": PRUNING_ENABLED,
        "storeExtendedFlags": GARBAGE_COLLECTION | JOURNAL_PRUNING,
        "dedupeFlags": 65536,
        "sp": {"id": spec.id, "name": spec.name},
        "copy": {"id": COPY_OF_POOL + spec.id, "name": f"{spec.name}_Primary"},
    }


def _place(part: Partition) -> Body:
    return {
        "subStoreId": part.id,
        "storeId": part.store.id,
        "Path": part.path,
        "MediaAgent": {"id": part.agent.id, "name": part.agent.name},
    }


def _partition(call: Call, part: Partition) -> Body:
    at, is_down = call.at, _status(call, part) != 0
    row: Body = {
        **_place(part),
        "commcellId": 2,
        "status": int(is_down),
        "offlineReason": "The MediaAgent cannot be reached." if is_down else "",
        "avgQITime": part.query_microseconds(at, call.estate.seed),
        "maxSIDBAverageQITime": 2000,
        "PrimaryEntries": part.entries(at),
        "freeDiskSpaceMB": part.free_bytes(at) // MIB,
        "totalCapacityMB": PARTITION_DISK // MIB,
        "lastSnapTime": int(noon_of(day_of(at - DDB_BACKUP_START)) + DDB_BACKUP_START),
    }
    if call.abilities.ddb_pending_deletes:
        row["zeroRefCount"] = part.pending_records(at)
    return row


def _status(call: Call, part: Partition) -> int:
    return int(call.estate.agent_state(part.agent) == "OFFLINE")


ROUTES = (
    Route("POST", "Qcommand/qoperation execute", query_command),
    Route("GET", "DDBInformation/{}", information),
)
