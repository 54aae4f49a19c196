"""Jobs: their states and their settings, of which retention is the part that monitoring wants."""

from typing import Any

from exporter.simulator.messages import Answer, Json
from exporter.simulator.vbr_call import Call
from exporter.simulator.vbr_listing import Listing, by_name, equal, named
from exporter.simulator.vbr_progress import progress
from exporter.simulator.vbr_records import Job, Machine, Session, identity

MODELLED_FROM_1_3 = {
    "vsphere": "VSphereBackup",
    "hyperv": "HyperVBackup",
    "agent": "LinuxAgentBackup",
    "copy": "BackupCopy",
}
DAYS_OF_WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
VCENTER = "vcenter01.example.com"


def states(call: Call) -> Answer:
    return Listing(
        _shown(call),
        lambda job: _state(call, job),
        {
            "Name": lambda job: job.name,
            "Type": lambda job: kind_of(call, job),
            "LastRun": lambda job: job.runs[-1].started if job.runs else 0.0,
            "NextRun": lambda job: job.next_run or 0.0,
        },
        {
            "idFilter": equal(lambda job: job.id),
            "nameFilter": named(lambda job: job.name),
            "typeFilter": equal(lambda job: kind_of(call, job)),
            "lastResultFilter": equal(_last_result),
            "statusFilter": equal(lambda job: _status(call, job)),
            "repositoryIdFilter": equal(lambda job: job.target),
        },
    ).answer(call)


def jobs(call: Call) -> Answer:
    return Listing(
        _shown(call),
        lambda job: _settings(call, job),
        {"Name": lambda job: job.name, "Type": lambda job: kind_of(call, job)},
        {"nameFilter": named(lambda job: job.name), "typeFilter": equal(lambda job: kind_of(call, job))},
    ).answer(call)


def kind_of(call: Call, job: Job) -> str:
    """The same job changes its type with the upgrade to 1.3."""
    return MODELLED_FROM_1_3[job.platform] if call.since("1.3-rev0") else "Backup"


def _shown(call: Call) -> list[Job]:
    """Before 1.3 only jobs of vSphere are modelled: the others are missing, their backups and sessions are not."""
    every = by_name(call.estate.jobs.values(), lambda job: job.name)
    return every if call.since("1.3-rev0") else [job for job in every if job.platform == "vsphere"]


def _last_result(job: Job) -> str:
    """None also while it runs, which hides the result of the run before."""
    return (job.runs[-1].result or "None") if job.runs else "None"


def _status(call: Call, job: Job) -> str:
    if job.disabled:
        return call.spelled("Disabled")
    if job.runs and job.runs[-1].ended is None:
        return call.spelled("Running")
    return "Stopped" if call.since("1.3-rev1") and job.runs else call.spelled("Inactive")


def _state(call: Call, job: Job) -> Json:
    """What is not known is null up to 1.2 and missing from 1.3 on."""
    last = job.runs[-1] if job.runs else None
    state: dict[str, Any] = {
        "id": job.id,
        "name": job.name,
        "type": kind_of(call, job),
        "description": "Created by EXAMPLE\\Administrator",
        "status": _status(call, job),
        "lastRun": call.zoned(last.started) if last else None,
        "lastResult": _last_result(job),
        "nextRun": call.zoned(job.next_run) if job.next_run else None,
        "workload": call.spelled("Server" if job.platform == "agent" else "Vm"),
        "repositoryId": job.target,
        "repositoryName": call.estate.target_name(job.target),
        "objectsCount": len(job.machines),
        "sessionId": last.id if last else None,
    }
    if not call.since("1.3-rev0"):
        return state
    return {key: value for key, value in state.items() if value is not None} | _state_of_1_3(call, job, last)


def _state_of_1_3(call: Call, job: Job, last: Session | None) -> dict[str, Json]:
    state: dict[str, Json] = {"highPriority": False, "progressPercent": 0, "isStorageSnapshot": False}
    if job.next_run:
        state["nextRunPolicy"] = call.zoneless(job.next_run).replace("T", " ")
    if last:
        state["sessionProgress"] = progress(call, last)
        state["progressPercent"] = state["sessionProgress"]["progressPercent"]
    if job.platform == "copy":
        state["backupCopyMode"] = "Periodic"
    if call.since("1.3-rev2"):
        state["targetName"] = call.estate.target_name(job.target)
    return state


def _settings(call: Call, job: Job) -> Json:
    settings = {
        "id": job.id,
        "name": job.name,
        "type": kind_of(call, job),
        "isDisabled": job.disabled,
        "description": "Created by EXAMPLE\\Administrator",
    }
    kept = {"retentionPolicy": _retention(job), "gfsPolicy": _gfs(call, job)}
    if job.platform == "copy":
        target = {"backupRepositoryId": job.target, **kept}
        return settings | {"mode": "Periodic", "sourceObjects": {"includes": {}}, "target": target}
    storage = {"backupRepositoryId": job.target, "backupProxies": _proxies(call, job), **kept}
    common = {"isHighPriority": False, "storage": storage, "schedule": _schedule(call, job)}
    if job.platform == "agent":
        del storage["backupProxies"]
        computers = [_computer(call, machine) for machine in job.machines]
        return settings | common | {"computers": computers, "backupMode": "EntireComputer"}
    guest = {"appAwareProcessing": {"isEnabled": False}, "guestFSIndexing": {"isEnabled": False}}
    machines = {"includes": [_included(call, job, machine) for machine in job.machines]}
    return settings | common | {"virtualMachines": machines, "guestProcessing": guest}


def _retention(job: Job) -> Json:
    return {"type": job.retention.kind, "quantity": job.retention.quantity}


def _gfs(call: Call, job: Job) -> Json:
    """A tier keeps its number when it is switched off: it counts only when it is enabled."""
    weeks, months = job.retention.weeks, job.retention.months
    sunday = call.spelled("Sunday")
    return {
        "isEnabled": bool(weeks or months),
        "weekly": {"isEnabled": bool(weeks), "keepForNumberOfWeeks": weeks or 1, "desiredTime": sunday},
        "monthly": {"isEnabled": bool(months), "keepForNumberOfMonths": months or 1, "desiredTime": "First"},
        "yearly": {"isEnabled": False, "keepForNumberOfYears": 1, "desiredTime": "January"},
    }


def _proxies(call: Call, job: Job) -> Json:
    if job.platform == "hyperv":
        return {"proxyType": "OnHost"}
    return {("autoSelectEnabled" if call.since("1.2-rev0") else "autoSelection"): True, "proxyIds": []}


def _schedule(call: Call, job: Job) -> Json:
    if job.start is None:
        return {"runAutomatically": False}
    daily = {
        "isEnabled": True,
        "localTime": f"{job.start // 60:02d}:{job.start % 60:02d}",
        "dailyKind": "Everyday",
        "days": [call.spelled(day) for day in DAYS_OF_WEEK],
    }
    return {"runAutomatically": True, "daily": daily}


def _included(call: Call, job: Job, machine: Machine) -> Json:
    size = f"{job.full_bytes / 1024**3:.1f} GB"
    found = {"hostName": VCENTER, "name": machine.name, "type": "VirtualMachine", "objectId": machine.reference}
    if not call.since("1.2-rev0"):
        return {"inventoryObject": found, "size": size}
    platform = "HyperV" if job.platform == "hyperv" else "VSphere" if call.since("1.3-rev0") else "VMware"
    return {"platform": platform, "size": size, **found}


def _computer(call: Call, machine: Machine) -> Json:
    group = identity(call.estate.seed, "protection-group")
    return {
        "platform": "Agent",
        "id": machine.id,
        "name": machine.name,
        "type": "LinuxComputer",
        "protectionGroupId": group,
    }
