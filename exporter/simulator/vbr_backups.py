"""Backups, their files with sizes and percentages, and the restore points in them."""

from typing import Any

from exporter.simulator.messages import Answer, Json
from exporter.simulator.vbr_call import Call, not_found
from exporter.simulator.vbr_jobs import MODELLED_FROM_1_3
from exporter.simulator.vbr_listing import Listing, after, before, by_name, equal, named
from exporter.simulator.vbr_records import NO_ID, Backup, File, Machine, identity

PLATFORMS = {"vsphere": "VMware", "copy": "VMware", "hyperv": "HyperV", "agent": "LinuxPhysical"}
STALE = "retired-"
Point = tuple[Backup, File, Machine]
Protected = tuple[Backup, Machine, int]


def backups(call: Call) -> Answer:
    return Listing(
        by_name(call.estate.backups.values(), lambda backup: backup.name),
        lambda backup: _backup(call, backup),
        {"Name": lambda backup: backup.name, "CreationTime": lambda backup: backup.created},
        {
            "nameFilter": named(lambda backup: backup.name),
            "createdAfterFilter": after(call, lambda backup: backup.created),
            "createdBeforeFilter": before(call, lambda backup: backup.created),
            "jobIdFilter": equal(lambda backup: backup.job),
        },
    ).answer(call)


def backup(call: Call) -> Answer:
    return Answer(_backup(call, _wanted(call)))


def backup_files(call: Call) -> Answer:
    files = sorted(_wanted(call).files, key=lambda file: -file.created)
    return Listing(
        files,
        lambda file: _file(call, file),
        {
            "Name": lambda file: file.name,
            "DataSize": lambda file: file.data,
            "BackupSize": lambda file: file.size,
            "DedupRatio": lambda file: file.dedup,
            "CompressRatio": lambda file: file.compress,
            "CreationTime": lambda file: file.created,
        },
        {
            "nameFilter": named(lambda file: file.name),
            "createdAfterFilter": after(call, lambda file: file.created),
            "createdBeforeFilter": before(call, lambda file: file.created),
            "gfsPeriodFilter": lambda file, wanted: wanted in (file.gfs or ("None",)),
        },
    ).answer(call)


def restore_points(call: Call) -> Answer:
    """Newest first."""
    points: list[Point] = [
        (one, file, machine) for one in call.estate.backups.values() for file in one.files for machine in file.machines
    ]
    points.sort(key=lambda point: -point[1].created)
    return Listing(
        points,
        lambda point: _point(call, *point),
        {"CreationTime": lambda point: point[1].created, "BackupId": lambda point: point[0].id},
        {
            "nameFilter": named(lambda point: point[2].name),
            "createdAfterFilter": after(call, lambda point: point[1].created),
            "createdBeforeFilter": before(call, lambda point: point[1].created),
            "backupIdFilter": equal(lambda point: point[0].id),
            "backupObjectIdFilter": equal(lambda point: object_id(point[0], point[2])),
        },
    ).answer(call)


def backup_objects(call: Call) -> Answer:
    return Listing(
        by_name(_protected(call), lambda one: one[1].name),
        lambda one: _object(call, *one),
        {"Name": lambda one: one[1].name},
        {"nameFilter": named(lambda one: _object_name(one[1]))},
    ).answer(call)


def object_id(of: Backup, machine: Machine) -> str:
    return identity(of.id, "object", machine.id)


def _wanted(call: Call) -> Backup:
    found = call.estate.backups.get(call.ids["id"])
    if found is None:
        raise not_found(call.ids["id"])
    return found


def _backup(call: Call, of: Backup) -> Json:
    shown = {
        "id": of.id,
        "name": of.name,
        "jobId": of.job,
        ("policyUniqueId" if call.since("1.2-rev0") else "policyTag"): "",
        "platformName": PLATFORMS[of.platform],
        "platformId": NO_ID,
        "creationTime": call.zoned(of.created),
        "repositoryId": of.target,
    }
    if call.since("1.3-rev0"):
        shown["repositoryName"] = call.estate.target_name(of.target)
        shown["jobType"] = MODELLED_FROM_1_3[of.platform]
    return shown


def _file(call: Call, file: File) -> Json:
    """The creation time is the server's wall clock, without a zone."""
    points = [identity(file.session, "point", machine.id) for machine in file.machines]
    shown: dict[str, Any] = {
        "id": file.id,
        "name": file.name,
        "backupId": file.backup,
        "restorePointIds": points,
        "dataSize": file.data,
        "backupSize": file.size,
        "dedupRatio": file.dedup,
        "compressRatio": file.compress,
        "creationTime": call.zoneless(file.created),
        "gfsPeriods": list(file.gfs) or ["None"],
    }
    single = identity(file.backup, "object", file.machines[0].id) if len(file.machines) == 1 else NO_ID
    if call.since("1.3-rev2"):
        return shown | {"objectIds": [single], "severity": "Clean"}
    return shown | {"objectId": single}


def _point(call: Call, of: Backup, file: File, machine: Machine) -> Json:
    shown: dict[str, Any] = {
        "id": identity(file.session, "point", machine.id),
        "name": machine.name,
        "platformName": PLATFORMS[of.platform],
        "platformId": NO_ID,
        "creationTime": call.zoned(file.created),
        "backupId": of.id,
        "allowedOperations": [],
    }
    if call.since("1.1-rev1"):
        shown |= {
            "type": "Full" if file.is_full else "Increment",
            "sessionId": file.session,
            "malwareStatus": "Clean",
            "backupFileId": file.id,
            "allowedOperations": ["StartFlrRestore"],
        }
    if call.since("1.3-rev0"):
        shown["originalSize"] = _original_size(call, of)
    if call.since("1.3-rev2"):
        shown["gfsPeriods"] = list(file.gfs) or ["None"]
    return shown


def _original_size(call: Call, of: Backup) -> int:
    job = call.estate.jobs.get(of.job)
    return job.full_bytes if job else max(file.data for file in of.files)


def _protected(call: Call) -> list[Protected]:
    protected = []
    for one in call.estate.backups.values():
        points: dict[Machine, int] = {}
        for file in one.files:
            for machine in file.machines:
                points[machine] = points.get(machine, 0) + 1
        protected += [(one, machine, count) for machine, count in points.items()]
    return protected


def _object_name(machine: Machine) -> str:
    """Objects that are no longer backed up get another name."""
    return f"outdated_{machine.name}" if machine.name.startswith(STALE) else machine.name


def _object(call: Call, of: Backup, machine: Machine, points: int) -> Json:
    job = call.estate.jobs.get(of.job)
    shown: dict[str, Any] = {
        "id": object_id(of, machine),
        "name": _object_name(machine),
        "type": "VM",
        "platformName": PLATFORMS[of.platform],
        "platformId": NO_ID,
        "restorePointsCount": points,
    }
    path = f"vcenter01.example.com\\Datacenter\\{machine.name}"
    if PLATFORMS[of.platform] == "VMware":
        shown |= {"objectId": machine.reference, "path": path, "viType": "VirtualMachine"}
    elif PLATFORMS[of.platform] == "HyperV" and call.since("1.3-rev2"):
        shown |= {"objectId": machine.reference, "path": path, "hvType": "VirtualMachine"}
    if call.since("1.3-rev0"):
        shown["lastRunFailed"] = bool(job and job.runs and job.runs[-1].result == "Failed")
    if call.since("1.3-rev2"):
        shown |= {"backupId": of.id, "size": _original_size(call, of)}
    return shown
