"""Storage pools as the CommServe tells them: MiB, -1 for clouds, a status that only its text tells."""

from collections.abc import Callable

from exporter.simulator.commserve_call import Body, Call, Respond, Route, no_such
from exporter.simulator.commserve_xml import as_xml
from exporter.simulator.messages import Answer, Json
from exporter.simulator.pools import Pool
from exporter.simulator.sizes import MIB

OFFLINE = (
    "Offline (Mount path is inaccessible. Check the following.\n"
    "a. The MediaAgent is reachable.\nb. The path exists and can be written.)"
)
STORAGE_TYPES = {"disk": 1, "cloud": 2, "hyperscale": 3}
V4_TYPES = {1: "DEDUPLICATION", 3: "NON_DEDUPLICATION", 4: "SCALE_OUT"}
COMPANY = {"companyId": 0, "companyName": "Commcell"}


def pools(call: Call) -> Body | Answer:
    """Without Accept: application/json the answer is XML, and every number a text."""
    answer: Body = {"storagePoolList": [_pool(call, pool) for pool in call.estate.pools]}
    if "application/json" in call.request.headers.get("Accept", ""):
        return answer
    return as_xml("App_GetStoragePoolListResp", answer)


def pool_details(call: Call) -> Body:
    pool = _find(call)
    if pool is None:
        return no_such("storage pool")
    head = _pool(call, pool)
    same = ("totalCapacity", "totalFreeSpace", "sizeOnDisk", "status", "storagePoolType", "storageType")
    copy = {"copyId": _copy_id(pool), "copyName": "Primary", "storagePolicyName": pool.spec.name}
    details = {key: head[key] for key in same} | {
        "libraryVendorId": head["libraryVendorType"],
        "isWormStorage": bool(pool.spec.worm),
        "copyInfo": {"StoragePolicyCopy": copy, "wormStorageFlag": pool.spec.worm, "copyFlags": {"wormCopy": 0}},
    }
    return {"storagePoolDetails": details}


def v4_list(storage: str, key: str) -> Respond:
    """Answers with all pools of a kind."""
    return lambda call: {key: [_v4_row(call, pool) for pool in call.estate.pools if pool.spec.storage == storage]}


def _v4_row(call: Call, pool: Pool) -> Body:
    head = _pool(call, pool)
    return {
        "id": pool.spec.id,
        "name": pool.spec.name,
        "storagePoolType": V4_TYPES[head["storagePoolType"]],
        "status": head["status"],
        "capacity": head["totalCapacity"],
        "freeSpace": head["totalFreeSpace"],
        "company": {"id": 0, "name": "Commcell"},
    }


def v4_details(storage: str, noun: str, tell: Callable[[Pool, Body], Body]) -> Respond:
    """Answers with one pool of a kind: its id, its name, and what `tell` makes of it and its row in the list."""

    def respond(call: Call) -> Body | Answer:
        pool = _find(call, storage)
        if pool is None:
            return Answer(no_such(noun), 404)
        return {"id": pool.spec.id, "name": pool.spec.name, **tell(pool, _pool(call, pool))}

    return respond


def disk(pool: Pool, head: Body) -> Body:
    general = {"capacity": head["totalCapacity"], "freeSpace": head["totalFreeSpace"], "sizeOnDisk": head["sizeOnDisk"]}
    if pool.spec.dedup:
        general["dedupeSavingsPercent"] = round(100 - 100 / dedup_ratio(pool))
    status = "Offline" if pool.spec.offline else "Ready"
    locations = [
        {"id": mount_path_id(pool, number), "name": mount_path_name(pool, number), "status": status}
        for number in range(len(pool.spec.agents))
    ]
    return {"general": general, "backupLocations": locations, "associatedPlanList": _plans(pool)}


def cloud(pool: Pool, head: Body) -> Body:
    return {
        "general": {
            "totalCapacity": head["totalCapacity"],
            "freeSpace": head["totalFreeSpace"],
            "sizeOnDisk": head["sizeOnDisk"],
            "deduplicationSavings": _savings_text(pool),
        },
        "bucket": [{"id": mount_path_id(pool, 0), "name": f"bucket-{pool.spec.id}", "status": "Ready"}],
        "associatedPlans": _plans(pool),
    }


def hyperscale(pool: Pool, head: Body) -> Body:
    return {
        "general": {
            "totalCapacity": head["totalCapacity"],
            "totalFreeSpace": head["totalFreeSpace"],
            "sizeOndisk": head["sizeOnDisk"],
            "deduplicationSavings": _savings_text(pool),
            "resiliency": "Standard",
            "status": head["status"],
        },
        "nodes": [{"id": agent.id, "name": agent.name, "status": "Online"} for agent in pool.spec.agents],
        "associatedPlans": _plans(pool),
    }


def mount_path_id(pool: Pool, number: int) -> int:
    return 4000 + (pool.spec.id - 300) * 10 + number


def mount_path_name(pool: Pool, number: int) -> str:
    return f"[{pool.spec.agents[number].name}] E:\\CV\\{pool.spec.id}_{number + 1}"


def space_mib(call: Call, pool: Pool) -> tuple[int, int]:
    """Capacity and free space in MiB; -1 for a cloud."""
    if pool.spec.storage == "cloud":
        return -1, -1
    return pool.disk.capacity // MIB, int(call.estate.free_bytes(pool) // MIB)


def stored_mib(call: Call, pool: Pool) -> int:
    return int(pool.written_at(call.at) // MIB)


def _pool(call: Call, pool: Pool) -> Body:
    spec = pool.spec
    capacity, free = space_mib(call, pool)
    is_cloud, is_hyperscale = spec.storage == "cloud", spec.storage == "hyperscale"
    row: Body = {
        "storagePoolEntity": {"storagePoolId": spec.id, "storagePoolName": spec.name, "_type_": 160},
        "storagePolicyEntity": {"storagePolicyId": spec.id, "storagePolicyName": spec.name, "entityInfo": COMPANY},
        "storagePool": {"clientGroupId": spec.id, "clientGroupName": spec.name, "_type_": 28},
        "status": OFFLINE if spec.offline else "Online",
        "statusCode": 300 if is_hyperscale else 0,
        "reserved1": 0 if spec.offline else 1,
        "totalCapacity": capacity,
        "totalFreeSpace": free,
        "sizeOnDisk": stored_mib(call, pool),
        "storagePoolType": 4 if is_hyperscale else 1 if spec.dedup else 3,
        "storageType": STORAGE_TYPES[spec.storage],
        "storageSubType": 0,
        "libraryVendorType": 2 if is_cloud else 1,
        "wormStoragePoolFlag": spec.worm,
        "poolRetentionPeriodDays": 30 if spec.worm else -1,
        "isArchiveStorage": int(is_cloud and "Archive" in spec.name),
        "cloudStorageClassName": "N/A",
        "cloudStorageClassNumber": 9 if is_cloud else -1,
        "numberOfNodes": len(spec.agents) if is_hyperscale else 0,
        "libraryList": [{"libraryId": spec.library_id, "_type_": 9}],
    }
    if is_hyperscale:
        row |= {
            "usedSpacePerc": round(100 * (1 - free / capacity)),
            "isHSXReadOnly": False,
            "HSXUtilWarn": False,
            "isHSXWriteOpExt": False,
            "isHSXWriteOpGraceAppl": False,
        }
    return row


def _find(call: Call, storage: str | None = None) -> Pool | None:
    wanted = call.number()
    pools = call.estate.pools
    return next((pool for pool in pools if pool.spec.id == wanted and storage in (None, pool.spec.storage)), None)


def _copy_id(pool: Pool) -> int:
    return 900 + pool.spec.id


def _plans(pool: Pool) -> list[Json]:
    return [{"id": plan_id, "name": name} for plan_id, name in sorted({(c.plan.id, c.plan.name) for c in pool.copies})]


def dedup_ratio(pool: Pool) -> float:
    ratios = [copy.plan.dedup_ratio for copy in pool.copies]
    return sum(ratios) / len(ratios) if ratios else 1.0


def _savings_text(pool: Pool) -> str:
    return f"{100 - 100 / dedup_ratio(pool):.2f}%"


ROUTES = (
    Route("GET", "StoragePool", pools),
    Route("GET", "StoragePool/{}", pool_details),
    Route("GET", "V4/Storage/Disk", v4_list("disk", "diskStorage")),
    Route("GET", "V4/Storage/Cloud", v4_list("cloud", "cloudStorage")),
    Route("GET", "V4/Storage/HyperScale", v4_list("hyperscale", "hyperScaleStorage")),
    Route("GET", "V4/Storage/Disk/{}", v4_details("disk", "disk storage", disk)),
    Route("GET", "V4/Storage/Cloud/{}", v4_details("cloud", "cloud storage", cloud)),
    Route("GET", "V4/Storage/HyperScale/{}", v4_details("hyperscale", "HyperScale storage", hyperscale)),
)
