"""Who is told of which alert: every alert of the rules stands here, with those it is meant for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.alertmanager.shipped import CONFIG, EXTENDED, amtool, config
from tests.promql import rule_files, rules

pytestmark = pytest.mark.server

URGENT, ORDINARY, SETTING, WEEKLY = "bridges,on-call", "bridges,chat", "tickets", "digest"
BY_TEXT_MESSAGE = "bridges,sms,on-call"

# An alert that is new in the rules is new here: decide who is told of it.
MEANT_FOR = {
    "EbbtideBackupFailureSpike": {"warning": ORDINARY},
    "EbbtideBridgeDropsNotifications": {"warning": ORDINARY},
    "EbbtideBridgeQueueStuck": {"warning": ORDINARY},
    "EbbtideRulesFailing": {"warning": ORDINARY},
    "EbbtideCollectorBlind": {"warning": ORDINARY},
    "EbbtideCollectorStale": {"warning": ORDINARY},
    "EbbtideCommvaultAgingAgedNothing": {"warning": ORDINARY},
    "EbbtideCommvaultAgingDisabled": {"critical": SETTING},
    "EbbtideCommvaultAgingEfficiencyLow": {"info": WEEKLY},
    "EbbtideCommvaultAgingFailing": {"critical": URGENT},
    "EbbtideCommvaultAgingNotRunning": {"warning": ORDINARY},
    "EbbtideCommvaultAgingSlow": {"info": WEEKLY},
    "EbbtideCommvaultAgingSucceedsPruningFails": {"critical": URGENT},
    "EbbtideCommvaultCyclesBlocked": {"warning": ORDINARY},
    "EbbtideCommvaultDdbCorrupted": {"critical": URGENT},
    "EbbtideCommvaultDdbSealed": {"warning": ORDINARY},
    "EbbtideCommvaultDdbSlow": {"warning": ORDINARY},
    "EbbtideCommvaultDdbVerificationOverdue": {"info": WEEKLY},
    "EbbtideCommvaultDdbVolumeNearlyFull": {"warning": ORDINARY},
    "EbbtideCommvaultFullsFailing": {"warning": ORDINARY},
    "EbbtideCommvaultFullsTooRare": {"warning": SETTING},
    "EbbtideCommvaultInfiniteRetentionAdded": {"warning": SETTING},
    "EbbtideCommvaultManagedDiskSpace": {"info": SETTING},
    "EbbtideCommvaultMarkAndSweepOverdue": {"warning": ORDINARY},
    "EbbtideCommvaultMediaAgentBlocksPools": {"warning": ORDINARY},
    "EbbtideCommvaultMediaAgentOffline": {"critical": URGENT},
    "EbbtideCommvaultMediaAgentsOfflineLong": {"warning": ORDINARY},
    "EbbtideCommvaultMountPathOffline": {"warning": ORDINARY},
    "EbbtideCommvaultPendingDeletesHigh": {"warning": ORDINARY, "critical": URGENT},
    "EbbtideCommvaultPoolSingleMediaAgent": {"info": SETTING},
    "EbbtideCommvaultPoolWithoutMediaAgent": {"critical": URGENT},
    "EbbtideCommvaultPruningDisabled": {"warning": ORDINARY},
    "EbbtideCommvaultPruningWindowBlocks": {"warning": ORDINARY},
    "EbbtideCommvaultRetentionDrift": {"info": SETTING},
    "EbbtideCommvaultRetentionExtendedByCycles": {"warning": SETTING},
    "EbbtideCommvaultRetentionInefficient": {"warning": SETTING},
    "EbbtideCommvaultRetentionInfinite": {"info": SETTING},
    "EbbtideCommvaultRetentionManyCycles": {"info": SETTING},
    "EbbtideCommvaultRetentionRegressed": {"warning": SETTING},
    "EbbtideCommvaultSharedBlocksPinned": {"info": SETTING},
    "EbbtideCommvaultSyntheticFullNotRunning": {"warning": ORDINARY},
    "EbbtideConfigReloadFailed": {"warning": ORDINARY},
    "EbbtideExporterAbsent": {"critical": URGENT},
    "EbbtideExporterDown": {"critical": URGENT},
    "EbbtideFilesystemDeviceError": {"critical": URGENT},
    "EbbtideFilesystemInodesLow": {"warning": ORDINARY, "critical": URGENT},
    "EbbtideFilesystemReadOnly": {"warning": ORDINARY},
    "EbbtideJobsSlow": {"warning": ORDINARY},
    "EbbtideLicenseExpiring": {"warning": SETTING, "critical": URGENT},
    "EbbtideManySourcesDown": {"critical": BY_TEXT_MESSAGE},
    "EbbtideNoPruning": {"warning": ORDINARY},
    "EbbtidePoolDedupDegraded": {"warning": ORDINARY},
    "EbbtidePoolEmergency": {"critical": BY_TEXT_MESSAGE},
    "EbbtidePoolFillAnomaly": {"warning": ORDINARY},
    "EbbtidePoolFullSoon": {"warning": ORDINARY, "critical": URGENT},
    "EbbtidePoolMayFillSoon": {"info": WEEKLY},
    "EbbtidePoolNearlyFull": {"warning": ORDINARY, "critical": URGENT},
    "EbbtidePoolOffline": {"critical": URGENT},
    "EbbtidePoolOrderDue": {"info": WEEKLY},
    "EbbtidePoolSpaceLow": {"info": WEEKLY},
    "EbbtidePoolStaysFull": {"critical": URGENT},
    "EbbtidePruningSuccessLow": {"info": WEEKLY},
    "EbbtideScanErrors": {"info": WEEKLY},
    "EbbtideScanOverdue": {"warning": ORDINARY},
    "EbbtideSeriesDropped": {"warning": ORDINARY},
    "EbbtideSourceDown": {"warning": ORDINARY},
    "EbbtideStoreErrors": {"warning": ORDINARY},
    "EbbtideThresholdMissing": {"warning": ORDINARY},
    "EbbtideTokenRenewalEnds": {"warning": ORDINARY, "critical": URGENT},
    "EbbtideVeeamConfigurationBackupOld": {"warning": ORDINARY},
    "EbbtideVeeamDropFileStale": {"warning": ORDINARY},
    "EbbtideVeeamEfficiencyCriticalAnomaly": {"critical": URGENT},
    "EbbtideVeeamEfficiencyDegrading": {"warning": ORDINARY},
    "EbbtideVeeamEfficiencyGradeF": {"info": WEEKLY},
    "EbbtideVeeamJobFailed": {"warning": ORDINARY},
    "EbbtideVeeamJobNoRecentSuccess": {"critical": URGENT},
    "EbbtideVeeamJobNotRun": {"warning": ORDINARY},
    "EbbtideVeeamJobSlow": {"info": WEEKLY},
    "EbbtideVeeamKeptTooLong": {"warning": ORDINARY},
    "EbbtideVeeamLicenseExceeded": {"warning": SETTING},
    "EbbtideVeeamLicenseInvalid": {"critical": URGENT},
    "EbbtideVeeamMalwareDetected": {"critical": URGENT},
    "EbbtideVeeamManagedServerUnavailable": {"warning": ORDINARY},
    "EbbtideVeeamObjectsUnprotected": {"info": WEEKLY},
    "EbbtideVeeamProxyOffline": {"warning": ORDINARY},
    "EbbtideVeeamRetentionFailed": {"warning": ORDINARY},
    "EbbtideVeeamRetentionNotRunning": {"warning": ORDINARY},
    "EbbtideWatchdog": {"none": "heartbeat"},
}
ALERTS = [rule for rule in rules(rule_files()) if "alert" in rule]


def test_somebody_has_decided_who_is_told_of_every_alert() -> None:
    decided = {(alert, severity) for alert, by_severity in MEANT_FOR.items() for severity in by_severity}
    assert decided == {(rule["alert"], rule["labels"]["severity"]) for rule in ALERTS}


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: f"{rule['alert']}-{rule['labels']['severity']}")
def test_an_alert_reaches_those_it_is_meant_for(rule: dict[str, Any]) -> None:
    expected = MEANT_FOR.get(rule["alert"], {}).get(rule["labels"]["severity"], "nobody has decided who")
    _told({"alertname": rule["alert"], "source": "cs01", **rule["labels"]}, expected)


def test_a_text_message_is_sent_beside_the_urgent_call() -> None:
    _told({"alertname": "X", "severity": "critical", "category": "capacity", "page": "sms"}, BY_TEXT_MESSAGE)


def test_what_no_route_takes_is_still_mailed() -> None:
    _told({"alertname": "SomebodyElses"}, "mail")


def test_both_files_route_and_inhibit_alike() -> None:
    """Alertmanager has no way to include a file."""
    base, extended = config(CONFIG), config(EXTENDED)
    for section in ("route", "inhibit_rules", "time_intervals"):
        assert base[section] == extended[section]


def test_urgent_routes_wait_ten_seconds_at_most() -> None:
    [urgent] = [r for r in config()["route"]["routes"] if r["receiver"] == "on-call"]
    assert urgent["group_wait"] == "10s"
    assert {r["group_wait"] for r in config()["route"]["routes"] if r.get("continue")} == {"5s"}


def test_a_weekly_digest_is_neither_repeated_nor_left_out() -> None:
    """It is told in one hour of the week; a week later the last time must lie further back than repeat_interval."""
    [digest] = [r for r in config()["route"]["routes"] if r["receiver"] == "digest"]
    assert digest["repeat_interval"] == "5d"
    assert digest["active_time_intervals"] == ["monday-morning"]


def _told(labels: dict[str, str], receivers: str) -> None:
    given = [f"{name}={value}" for name, value in labels.items()]
    run = amtool("config", "routes", "test", f"--config.file={CONFIG}", f"--verify.receivers={receivers}", *given)
    assert run.returncode == 0, run.stdout + run.stderr
