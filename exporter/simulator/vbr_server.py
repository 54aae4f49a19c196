"""The server about itself: version, time, licence, configuration backup, malware, best practices."""

from datetime import datetime
from typing import Any

from exporter.simulator.messages import Answer, Json
from exporter.simulator.vbr_backups import object_id
from exporter.simulator.vbr_call import BUILDS, Call, utc
from exporter.simulator.vbr_listing import Listing, after, before, equal
from exporter.simulator.vbr_records import DAY, Backup, Machine, Session, identity

WINDOWS_ZONES = {"Europe/Berlin": "(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna"}
LICENCE_DAYS, SUPPORT_DAYS = 143.0, 520.0
DATES_IN_SUMMARIES_FROM = "1.3-rev2"
PRACTICES = (
    ("Multi-factor authentication is enabled for all accounts", "OK", ""),
    ("Remote Desktop Service is disabled", "OK", ""),
    ("Configuration backup is encrypted", "Suppressed", ""),
    ("Password loss protection is enabled", "UnableToCheck", ""),
)
# days after birth, type, source, severity, state
EVENTS = (
    (12.0, "EncryptedData", "InternalVeeamDetector", "Suspicious", "FalsePositive"),
    (41.0, "YaraScan", "External", "Infected", "Created"),
    (42.5, "YaraScan", "MarkAsCleanEvent", "Clean", "Created"),
)


def server_info(call: Call) -> Answer:
    info: dict[str, Any] = {
        "vbrId": identity(call.estate.seed, "vbr"),
        "name": "vbr01.example.com",
        "buildVersion": BUILDS[call.newest],
        "patches": [],
    }
    if call.since("1.1-rev1"):
        info |= {
            "databaseVendor": "PostgreSQL",
            "sqlServerEdition": "",
            "sqlServerVersion": "PostgreSQL 15.8",
            "databaseSchemaVersion": "9688",
            "databaseContentVersion": "9688",
        }
    if call.since("1.3-rev0"):
        registration = {"isRegistered": True, "expirationDate": utc(call.estate.born + 600 * DAY)}
        info |= {"platform": "Windows", "veeamRegistration": registration}
    return Answer(info)


def server_time(call: Call) -> Answer:
    """Seven digits after the point, as .NET writes them."""
    wall = datetime.fromtimestamp(call.now, call.estate.zone)
    offset = wall.strftime("%z")
    shown = {
        "serverTime": f"{wall.strftime('%Y-%m-%dT%H:%M:%S.%f')}0{offset[:3]}:{offset[3:]}",
        "timeZone": WINDOWS_ZONES.get(call.estate.timezone, call.estate.timezone),
    }
    return Answer(shown | ({"ianaTimeZoneId": call.estate.timezone} if call.since("1.3-rev2") else {}))


def licence(call: Call) -> Answer:
    dates = {
        "expirationDate": utc(call.estate.born + LICENCE_DAYS * DAY),
        "supportExpirationDate": utc(call.estate.born + SUPPORT_DAYS * DAY),
    }
    in_summaries = call.since(DATES_IN_SUMMARIES_FROM)
    used = float(sum(len(job.machines) for job in call.estate.jobs.values()))
    instances = {
        "licensedInstancesNumber": 100.0 * (1 + used // 100),
        "usedInstancesNumber": used,
        "newInstancesNumber": 2.0,
        "rentalInstancesNumber": 0.0,
        "package": "Suite",
    }
    shown: dict[str, Json] = {
        "status": "Valid" if call.now < call.estate.born + LICENCE_DAYS * DAY else "Expired",
        "type": "Subscription",
        "edition": "EnterprisePlus",
        "licensedTo": "Example Ltd.",
        "supportId": "00000042",
        "autoUpdateEnabled": True,
        "freeAgentInstanceConsumptionEnabled": True,
        "cloudConnect": "Disabled",
        "instanceLicenseSummary": instances | (dates if in_summaries else {}),
    }
    if call.since("1.3-rev0"):
        shown |= {"IsMultiSection": False, "proactiveSupportEnabled": True}
    return Answer(shown if in_summaries else shown | dates)


def config_backup(call: Call) -> Answer:
    ended: list[Session] = [one for one in call.estate.sessions if one.kind == "config" and one.ended]
    last = {"lastSuccessfulTime": call.zoned(ended[-1].started), "sessionId": ended[-1].id} if ended else {}
    default = next(one for one in call.estate.repositories.values() if one.name.startswith("Default"))
    daily = {"isEnabled": True, "localTime": "10:00", "dailyKind": "Everyday"}
    return Answer(
        {
            "isEnabled": True,
            "backupRepositoryId": default.id,
            "restorePointsToKeep": 10,
            "notifications": {"SNMPEnabled": False},
            "schedule": {"isEnabled": True, "daily": daily},
            "lastSuccessfulBackup": last,
            "encryption": {"isEnabled": True, "passwordId": identity(call.estate.seed, "config-password")},
        }
    )


def malware_events(call: Call) -> Answer:
    events = [event for event in EVENTS if call.estate.born + event[0] * DAY <= call.now]
    return Listing(
        events,
        lambda event: _event(call, *event),
        {"Type": lambda event: event[1], "DetectionTimeUtc": lambda event: event[0]},
        {
            "typeFilter": equal(lambda event: event[1]),
            "sourceFilter": equal(lambda event: event[2]),
            "severityFilter": equal(lambda event: event[3]),
            "stateFilter": equal(lambda event: event[4]),
            "detectedAfterTimeUtcFilter": after(call, lambda event: call.estate.born + event[0] * DAY),
            "detectedBeforeTimeUtcFilter": before(call, lambda event: call.estate.born + event[0] * DAY),
        },
    ).answer(call)


def best_practices(call: Call) -> Answer:
    immutable = all(repository.immutable_days for repository in call.estate.repositories.values())
    practices = [("Immutable backups are used", "OK" if immutable else "Violation", ""), *PRACTICES]
    items = [
        {"id": identity("practice", practice), "bestPractice": practice, "status": status, "note": note}
        for practice, status, note in practices
    ]
    return Answer({"items": items})


def _event(call: Call, day: float, kind: str, source: str, severity: str, state: str) -> Json:
    detected = call.estate.born + day * DAY
    backup, machine = _victim(call)
    shown = {
        "id": identity(call.estate.seed, "malware", day),
        "type": kind,
        "detectionTimeUtc": utc(detected),
        "machine": {
            "displayName": machine.name,
            "uuid": machine.id,
            "backupObjectId": object_id(backup, machine),
        },
        "state": state,
        "details": "Potential malware activity detected",
        "source": source,
        "severity": severity,
        "createdBy": "EXAMPLE\\Administrator",
        "engine": "YARA" if kind == "YaraScan" else "Inline scan",
    }
    return shown | ({"creationTimeUtc": utc(detected + 120)} if call.since("1.3-rev0") else {})


def _victim(call: Call) -> tuple[Backup, Machine]:
    backup = next(one for one in call.estate.backups.values() if one.job in call.estate.jobs)
    return backup, backup.files[0].machines[0]
