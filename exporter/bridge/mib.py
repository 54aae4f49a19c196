"""EBBTIDE-MIB: the numbers of alerts and of what a notification carries, and the module that tells them to others.

A number is a promise: it is given once, never changed and never given again. `ebbtide docs --mib` prints the module.
"""

from __future__ import annotations

from dataclasses import dataclass

# Below <base>.0. An alert that is not here is told as ebbtideAlert, with its name among what it carries.
ANY_ALERT = 1
NOTIFICATIONS: dict[str, int] = {
    "EbbtideCollectorBlind": 2,
    "EbbtideCollectorStale": 3,
    "EbbtideCommvaultAgingAgedNothing": 4,
    "EbbtideCommvaultAgingDisabled": 5,
    "EbbtideCommvaultAgingEfficiencyLow": 6,
    "EbbtideCommvaultAgingFailing": 7,
    "EbbtideCommvaultAgingNotRunning": 8,
    "EbbtideCommvaultAgingSlow": 9,
    "EbbtideCommvaultAgingSucceedsPruningFails": 10,
    "EbbtideBackupFailureSpike": 11,
    "EbbtideCommvaultCyclesBlocked": 12,
    "EbbtideCommvaultDdbCorrupted": 13,
    "EbbtideCommvaultDdbSealed": 14,
    "EbbtideCommvaultDdbSlow": 15,
    "EbbtideCommvaultDdbVerificationOverdue": 16,
    "EbbtideCommvaultDdbVolumeNearlyFull": 17,
    "EbbtideCommvaultFullsFailing": 18,
    "EbbtideCommvaultFullsTooRare": 19,
    "EbbtideCommvaultInfiniteRetentionAdded": 20,
    "EbbtideCommvaultManagedDiskSpace": 21,
    "EbbtideCommvaultMarkAndSweepOverdue": 22,
    "EbbtideCommvaultMediaAgentBlocksPools": 23,
    "EbbtideCommvaultMediaAgentOffline": 24,
    "EbbtideCommvaultMediaAgentsOfflineLong": 25,
    "EbbtideCommvaultMountPathOffline": 26,
    "EbbtideCommvaultPendingDeletesHigh": 27,
    "EbbtideCommvaultPoolSingleMediaAgent": 28,
    "EbbtideCommvaultPoolWithoutMediaAgent": 29,
    "EbbtideCommvaultPruningDisabled": 30,
    "EbbtideCommvaultPruningWindowBlocks": 31,
    "EbbtideCommvaultRetentionDrift": 32,
    "EbbtideCommvaultRetentionExtendedByCycles": 33,
    "EbbtideCommvaultRetentionInefficient": 34,
    "EbbtideCommvaultRetentionInfinite": 35,
    "EbbtideCommvaultRetentionManyCycles": 36,
    "EbbtideCommvaultRetentionRegressed": 37,
    "EbbtideCommvaultSharedBlocksPinned": 38,
    "EbbtideCommvaultSyntheticFullNotRunning": 39,
    "EbbtideConfigReloadFailed": 40,
    "EbbtideExporterAbsent": 41,
    "EbbtideExporterDown": 42,
    "EbbtideFilesystemDeviceError": 43,
    "EbbtideFilesystemInodesLow": 44,
    "EbbtideFilesystemReadOnly": 45,
    "EbbtideLicenseExpiring": 46,
    "EbbtideManySourcesDown": 47,
    "EbbtideNoPruning": 48,
    "EbbtidePoolDedupDegraded": 49,
    "EbbtidePoolEmergency": 50,
    "EbbtidePoolFillAnomaly": 51,
    "EbbtidePoolFullSoon": 52,
    "EbbtidePoolMayFillSoon": 53,
    "EbbtidePoolNearlyFull": 54,
    "EbbtidePoolOffline": 55,
    "EbbtidePoolOrderDue": 56,
    "EbbtidePoolSpaceLow": 57,
    "EbbtidePoolStaysFull": 58,
    "EbbtidePruningSuccessLow": 59,
    "EbbtideScanErrors": 60,
    "EbbtideScanOverdue": 61,
    "EbbtideSeriesDropped": 62,
    "EbbtideSourceDown": 63,
    "EbbtideStoreErrors": 64,
    "EbbtideThresholdMissing": 65,
    "EbbtideTokenRenewalEnds": 66,
    "EbbtideVeeamConfigurationBackupOld": 67,
    "EbbtideVeeamDropFileStale": 68,
    "EbbtideVeeamEfficiencyCriticalAnomaly": 69,
    "EbbtideVeeamEfficiencyDegrading": 70,
    "EbbtideVeeamEfficiencyGradeF": 71,
    "EbbtideVeeamJobFailed": 72,
    "EbbtideVeeamJobNoRecentSuccess": 73,
    "EbbtideVeeamJobNotRun": 74,
    "EbbtideVeeamKeptTooLong": 75,
    "EbbtideVeeamLicenseExceeded": 76,
    "EbbtideVeeamLicenseInvalid": 77,
    "EbbtideVeeamMalwareDetected": 78,
    "EbbtideVeeamManagedServerUnavailable": 79,
    "EbbtideVeeamObjectsUnprotected": 80,
    "EbbtideVeeamProxyOffline": 81,
    "EbbtideVeeamRetentionFailed": 82,
    "EbbtideVeeamRetentionNotRunning": 83,
    "EbbtideWatchdog": 84,
    "EbbtideJobsSlow": 85,
    "EbbtideVeeamJobSlow": 86,
    "EbbtideBridgeDropsNotifications": 87,
    "EbbtideBridgeQueueStuck": 88,
    "EbbtideRulesFailing": 89,
}

STATUS = {"firing": 1, "resolved": 2}
SEVERITY = {"none": 0, "info": 1, "warning": 2, "critical": 3}


@dataclass(frozen=True)
class Carried:
    """One object of a notification. label: that of the alert which is its value; "": another part of the alert."""

    name: str
    syntax: str
    description: str
    label: str = ""


_TEXT = "EbbtideText"
# Below <base>.1, numbered from 1; append only.
OBJECTS = (
    Carried("ebbtideAlertName", _TEXT, "Name of the alert.", "alertname"),
    Carried("ebbtideAlertStatus", "INTEGER { firing(1), resolved(2) }", "Whether it fires or has ended."),
    Carried(
        "ebbtideAlertSeverity",
        "INTEGER { none(0), info(1), warning(2), critical(3) }",
        "Who must act: now, this week, or nobody.",
    ),
    Carried("ebbtideAlertFingerprint", _TEXT, "The same for the same labels: joins an end with its beginning."),
    Carried("ebbtideAlertSource", _TEXT, "The backup or storage system; empty where it is about none.", "source"),
    Carried(
        "ebbtideAlertObject",
        _TEXT,
        "DDB, mount path, pool, plan, job, MediaAgent, collector, directory, proxy or server; else empty.",
    ),
    Carried("ebbtideAlertCategory", _TEXT, "What it is about, such as capacity or pruning.", "category"),
    Carried("ebbtideAlertSummary", _TEXT, "One sentence with the object and the number."),
    Carried("ebbtideAlertDescription", _TEXT, "What it means and what to look at first."),
    Carried("ebbtideAlertStartsAt", _TEXT, "When it began to fire, ISO 8601 in UTC."),
    Carried("ebbtideAlertRunbookUrl", _TEXT, "Where to read what to do."),
)


def module() -> str:
    """The MIB module, SMIv2."""
    carried = ", ".join(one.name for one in OBJECTS)
    objects = "\n".join(_object(number, one) for number, one in enumerate(OBJECTS, start=1))
    notifications = [_notification("ebbtideAlert", ANY_ALERT, "An alert that has no number of its own.")]
    notifications += [_notification(_camel(name), n, f"{name}.") for name, n in NOTIFICATIONS.items()]
    names = ",\n        ".join(["ebbtideAlert", *map(_camel, NOTIFICATIONS)])
    return _MODULE.format(
        carried=carried.replace(", ", ",\n        "),
        objects=objects,
        notifications="\n".join(notifications),
        names=names,
    )


def _camel(name: str) -> str:
    return name[0].lower() + name[1:]


def _object(number: int, one: Carried) -> str:
    return (
        f"{one.name} OBJECT-TYPE\n    SYNTAX      {one.syntax}\n    MAX-ACCESS  accessible-for-notify\n"
        f'    STATUS      current\n    DESCRIPTION\n        "{one.description}"\n'
        f"    ::= {{ ebbtideObjects {number} }}\n"
    )


def _notification(name: str, number: int, description: str) -> str:
    carried = ",\n        ".join(one.name for one in OBJECTS)
    return (
        f"{name} NOTIFICATION-TYPE\n    OBJECTS {{\n        {carried} }}\n    STATUS      current\n"
        f'    DESCRIPTION\n        "{description}"\n    ::= {{ ebbtideNotifications {number} }}\n'
    )


_MODULE = """\
EBBTIDE-MIB DEFINITIONS ::= BEGIN

-- With a base_oid of your own in the configuration, change the line that begins with ::= and enterprises.

IMPORTS
    MODULE-IDENTITY, OBJECT-TYPE, NOTIFICATION-TYPE, enterprises
        FROM SNMPv2-SMI
    MODULE-COMPLIANCE, OBJECT-GROUP, NOTIFICATION-GROUP
        FROM SNMPv2-CONF
    TEXTUAL-CONVENTION
        FROM SNMPv2-TC;

ebbtide MODULE-IDENTITY
    LAST-UPDATED "202611210000Z"
    ORGANIZATION "ebbtide"
    CONTACT-INFO "https://ebbtide.example.org/"
    DESCRIPTION
        "Alerts of ebbtide about backup and storage systems. One notification per alert, sent when
        it begins to fire, again while it fires, and when it has ended; ebbtideAlertStatus says which.
        The number is one of Net-SNMP's for experiments (netSnmpPlaypen)."
    REVISION "202611210000Z"
    DESCRIPTION
        "First version."
    ::= {{ enterprises netSnmp(8072) netSnmpExperimental(9999) 9999 }}

ebbtideNotifications OBJECT IDENTIFIER ::= {{ ebbtide 0 }}
ebbtideObjects       OBJECT IDENTIFIER ::= {{ ebbtide 1 }}
ebbtideConformance   OBJECT IDENTIFIER ::= {{ ebbtide 2 }}

EbbtideText ::= TEXTUAL-CONVENTION
    DISPLAY-HINT "255t"
    STATUS       current
    DESCRIPTION
        "Text in UTF-8, cut to what fits."
    SYNTAX       OCTET STRING (SIZE (0..400))

{objects}
{notifications}
ebbtideCompliance MODULE-COMPLIANCE
    STATUS      current
    DESCRIPTION
        "What a sender of this module sends."
    MODULE
    MANDATORY-GROUPS {{ ebbtideObjectGroup, ebbtideNotificationGroup }}
    ::= {{ ebbtideConformance 1 }}

ebbtideObjectGroup OBJECT-GROUP
    OBJECTS {{
        {carried} }}
    STATUS      current
    DESCRIPTION
        "What a notification carries."
    ::= {{ ebbtideConformance 2 }}

ebbtideNotificationGroup NOTIFICATION-GROUP
    NOTIFICATIONS {{
        {names} }}
    STATUS      current
    DESCRIPTION
        "One per alert."
    ::= {{ ebbtideConformance 3 }}

END
"""
