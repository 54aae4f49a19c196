"""How full the repositories are, and which are extents of which: states and scale-out repositories."""

from typing import Any

from exporter.simulator.messages import Answer, Json
from exporter.simulator.vbr_call import Call
from exporter.simulator.vbr_disks import Sizes
from exporter.simulator.vbr_listing import Listing, by_name, equal, flag_filter, named
from exporter.simulator.vbr_records import GIB, Repository, ScaleOut
from exporter.simulator.vbr_servers import host_id

RENAMED_IN_1_3_REV2 = {
    "DDBoost": "DellDataDomain",
    "HPStoreOnceIntegration": "HPEStoreOnce",
    "Quantum": "QuantumDXi",
    "SmartObjectS3": "S3Integrated",
}
Place = Repository | ScaleOut


def states(call: Call) -> Answer:
    """Scale-out repositories stand beside their extents, with the sums of them; extents say what they belong to."""
    places: list[Place] = [*repositories_asked_for(call), *call.estate.scale_outs.values()]
    return Listing(
        by_name(places, lambda place: place.name),
        lambda place: _state(call, place),
        {
            "Name": lambda place: place.name,
            "Type": lambda place: kind_of(call, place),
            "CapacityGB": lambda place: _sizes(call, place).capacity,
            "FreeGB": lambda place: _sizes(call, place).free,
            "UsedSpaceGB": lambda place: _sizes(call, place).used,
        },
        {
            "idFilter": equal(lambda place: place.id),
            "nameFilter": named(lambda place: place.name),
            "typeFilter": equal(lambda place: kind_of(call, place)),
            "isOnlineFilter": flag_filter(lambda place: _is_online(call, place)),
        },
    ).answer(call)


def scale_outs(call: Call) -> Answer:
    return Listing(
        by_name(call.estate.scale_outs.values(), lambda scale_out: scale_out.name),
        lambda scale_out: _scale_out(call, scale_out),
        {"Name": lambda scale_out: scale_out.name},
        {"nameFilter": named(lambda scale_out: scale_out.name)},
    ).answer(call)


def repositories_asked_for(call: Call) -> list[Repository]:
    extents = {extent for scale_out in call.estate.scale_outs.values() for extent in _extent_ids(scale_out)}
    exclude = call.since("1.3-rev0") and call.request.query.get("excludeExtents", [""])[0].lower() == "true"
    return [one for one in call.estate.repositories.values() if not (exclude and one.id in extents)]


def _extent_ids(scale_out: ScaleOut) -> tuple[str, ...]:
    return (*scale_out.performance, *([scale_out.capacity] if scale_out.capacity else []))


def kind_of(call: Call, place: Place) -> str:
    if isinstance(place, ScaleOut):
        return "ExtendableRepository"
    return RENAMED_IN_1_3_REV2.get(place.kind, place.kind) if call.since("1.3-rev2") else place.kind


def _is_online(call: Call, place: Place) -> bool:
    extents = call.estate.extents(place) if isinstance(place, ScaleOut) else [place]
    return any(map(call.estate.is_online, extents))


def _sizes(call: Call, place: Place) -> Sizes:
    if isinstance(place, Repository):
        return call.estate.sizes(place)
    extents = [call.estate.sizes(extent) for extent in call.estate.extents(place)]
    return Sizes(*(sum(part) for part in zip(*((one.capacity, one.free, one.used) for one in extents), strict=True)))


def _state(call: Call, place: Place) -> Json:
    sizes = _sizes(call, place)
    state = {
        "id": place.id,
        "name": place.name,
        "type": kind_of(call, place),
        "description": "" if isinstance(place, ScaleOut) else "Created by EXAMPLE\\Administrator",
        "capacityGB": _gigabytes(sizes.capacity),
        "freeGB": _gigabytes(sizes.free),
        "usedSpaceGB": _gigabytes(sizes.used),
    }
    if isinstance(place, Repository) and place.has_capacity:
        state |= {"hostId": host_id(call, place.host), "hostName": place.host, "path": place.path}
    if call.since("1.2-rev0"):
        state["isOnline"] = _is_online(call, place)
    if call.since("1.3-rev0"):
        state["isOutOfDate"] = isinstance(place, Repository) and place.out_of_date
        state |= _membership(call, place)
    return state


def _membership(call: Call, place: Place) -> dict[str, Json]:
    for scale_out in call.estate.scale_outs.values():
        if place.id in _extent_ids(scale_out):
            details = {
                "membership": scale_out.name,
                "scaleOutRepositoryId": scale_out.id,
                "extentType": "Capacity" if place.id == scale_out.capacity else "Performance",
            }
            return {"scaleOutRepositoryDetails": details}
    return {}


def _scale_out(call: Call, scale_out: ScaleOut) -> Json:
    capacity: dict[str, Any] = {"isEnabled" if call.since("1.2-rev0") else "enabled": scale_out.capacity is not None}
    if scale_out.capacity:
        capacity |= {
            "extents": [{"id": scale_out.capacity}],
            "copyPolicyEnabled": True,
            "movePolicyEnabled": True,
            "operationalRestorePeriodDays": scale_out.operational_days,
        }
    return {
        "id": scale_out.id,
        "name": scale_out.name,
        "description": "",
        ("uniqueId" if call.since("1.2-rev0") else "tag"): scale_out.id.replace("-", ""),
        "performanceTier": {"performanceExtents": [_extent(call, one) for one in call.estate.extents(scale_out)]},
        "placementPolicy": {"type": "DataLocality", "enforceStrictPlacementPolicy": False},
        "capacityTier": capacity,
        "archiveTier": {"isEnabled": False},
    }


def _extent(call: Call, repository: Repository) -> Json:
    """The status may be missing, which means Normal; it became a list in 1.3."""
    extent: dict[str, Any] = {"id": repository.id, "name": repository.name}
    if repository.kind != "WinLocal":
        extent["status"] = ["Normal"] if call.since("1.3-rev0") else "Normal"
    return extent


def _gigabytes(size: int) -> float:
    return round(size / GIB, 1)
