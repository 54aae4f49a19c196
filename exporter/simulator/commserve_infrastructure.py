"""The CommServe itself, MediaAgents and libraries."""

from statistics import mean

from exporter.simulator.commserve_call import Body, Call, Route, no_such
from exporter.simulator.commserve_storage import dedup_ratio, mount_path_id, mount_path_name, space_mib, stored_mib
from exporter.simulator.landscape import Agent
from exporter.simulator.messages import Json
from exporter.simulator.pools import LOOK_BACK_DAYS, Pool
from exporter.simulator.sizes import DAY, MIB

SERVICES_DOWN = 1
TEBIBYTE_IN_MIB = MIB
RESERVED_MIB = 2048
LICENSE_DAYS, RENEWED_DAYS_BEFORE = 400, 90


def commserve(call: Call) -> Body:  # noqa: ARG001
    return {
        "hostName": "cs01.example.com",
        "currentSPVersion": 36,
        "csVersionInfo": "11.0 SP36.21+",
        "releaseName": "2024E",
        "timeZone": "0:0:(UTC) Coordinated Universal Time",
        "csTimeZone": {"TimeZoneName": "UTC"},
        "commcell": {"commCellId": 2, "commCellName": "cs01", "csGUID": "0F1E2D3C4B5A69788796A5B4C3D2E1F0"},
    }


def license_(call: Call) -> Body:
    estate = call.estate
    expiry = int(estate.born + LICENSE_DAYS * DAY)
    while expiry - estate.clock.now() < RENEWED_DAYS_BEFORE * DAY:
        expiry += 365 * DAY
    return {"commCellId": 2, "edition": "Commvault", "licenseMode": "PRODUCTION", "expiryDate": expiry}


def agents(call: Call) -> Body:
    """The oldest list: names and no state."""
    return {"response": [{"entityInfo": {"id": a.id, "name": a.name}} for a in call.estate.landscape.agents]}


def agents_v2(call: Call) -> Body:
    return {"mediaAgentList": [_agent_v2(call, agent) for agent in call.estate.landscape.agents]}


def agents_v4(call: Call) -> Body:
    return {"mediaAgents": [_agent_v4(call, agent) for agent in call.estate.landscape.agents]}


def libraries(call: Call) -> Body:
    pools = call.estate.pools
    return {"response": [{"entityInfo": {"id": p.spec.library_id, "name": p.spec.name}} for p in pools]}


def library(call: Call) -> Body:
    pool = next((p for p in call.estate.pools if p.spec.library_id == call.number()), None)
    if pool is None:
        return no_such("library")
    capacity, free = space_mib(call, pool)
    is_cloud = pool.spec.storage == "cloud"
    paths = [_mount_path(call, pool, index) for index in range(len(pool.spec.agents))]
    ready = sum(path["status"] == "Ready" for path in paths)
    return {
        "libraryInfo": {
            "libraryType": 3,
            "model": "CLOUD" if is_cloud else "DISK",
            "library": {"libraryId": pool.spec.library_id, "libraryName": pool.spec.name},
            "magLibSummary": {
                "isOnline": "Ready" if ready else "No",
                "onlineMountPaths": f"{ready} out of {len(paths)}",
                "numOfMountPath": len(paths),
                "totalCapacity": "N/A" if is_cloud else f"{capacity / TEBIBYTE_IN_MIB:.2f} TB",
                "totalFreeSpace": "N/A" if is_cloud else f"{free / TEBIBYTE_IN_MIB:.2f} TB",
            },
            "MountPathList": paths,
        }
    }


def _agent_v2(call: Call, agent: Agent) -> Body:
    state = call.estate.agent_state(agent)
    return {
        "status": 1 if state == "ONLINE" else 0,
        "offlineReason": 0 if state == "ONLINE" else SERVICES_DOWN,
        "description": "",
        "mediaAgent": {"mediaAgentId": agent.id, "mediaAgentName": agent.name, "displayName": agent.name},
        "osInfo": {"OsDisplayInfo": {"OSName": "Windows Server 2022 Datacenter"}},
        "versionInfo": {"GalaxyRelease": {"ReleaseString": "11 SP36"}},
        "mediaAgentProps": {"isUnlicensedMA": False},
    }


def _agent_v4(call: Call, agent: Agent) -> Body:
    state = call.estate.agent_state(agent)
    row: dict[str, Json] = {
        "id": agent.id,
        "name": agent.name,
        "displayName": agent.name,
        "status": state,
        "version": "11.36.21",
        "operatingSystem": {"id": 210, "name": "Windows Server 2022"},
        "isUnlicensedMA": False,
    }
    if state != "ONLINE":
        row |= {"offlineReason": "services down", "offlineReasonValue": SERVICES_DOWN}
    return row


def _mount_path(call: Call, pool: Pool, index: int) -> Body:
    capacity, free = space_mib(call, pool)
    paths = len(pool.spec.agents)
    agent = pool.spec.agents[index]
    is_down = pool.spec.offline or call.estate.agent_state(agent) == "OFFLINE"
    stored = stored_mib(call, pool) // paths
    written_daily, freed_daily = (int(mean(days)) // MIB // paths for days in (pool.written_by_day, pool.freed_by_day))
    return {
        "mountPathId": mount_path_id(pool, index),
        "mountPathName": mount_path_name(pool, index),
        "mediaAgents": agent.name,
        "status": "Offline" if is_down else "Ready",
        "enabledMP": True,
        "disabledForNewWrite": False,
        "mountPathSummary": {
            "libraryId": pool.spec.library_id,
            "totalSpace": capacity // paths if capacity > 0 else -1,
            "totalFreeSpace": free // paths if free > 0 else free,
            "totalReserveSpaceMB": RESERVED_MIB,
            "totalDataWritten": stored,
            "totalDeduplicationAppSize": int(stored * dedup_ratio(pool)) if pool.spec.dedup else 0,
            "totalDeduplicationDataWritten": stored if pool.spec.dedup else 0,
            "avgDataWrittenPerDayMB": written_daily,
            "avgCapacityFreedMB": freed_daily,
            "estimatedSpaceRunoutDays": free // paths // written_daily if free >= 0 and written_daily else -1,
            "lastNumDays": LOOK_BACK_DAYS,
        },
    }


ROUTES = (
    Route("GET", "CommServ", commserve),
    Route("GET", "V4/License", license_),
    Route("GET", "MediaAgent", agents),
    Route("GET", "V2/MediaAgents", agents_v2),
    Route("GET", "V4/mediaAgent", agents_v4),
    Route("GET", "Library", libraries),
    Route("GET", "Library/{}", library),
)
