"""What is published of a Veeam server about itself."""

from __future__ import annotations

import pytest

from exporter.findings import Findings
from exporter.metrics import measure
from exporter.metrics import veeam_server as families
from exporter.model import (
    BackupObjects,
    BestPractices,
    ConfigurationBackup,
    Inventory,
    License,
    MalwareEvents,
    ManagedServer,
    Proxy,
    VeeamServer,
)


def published(subject, **answers):
    """Samples by family, those without any left out."""
    found = Findings("vbr01", Inventory(**answers), 1000.0)
    measured = measure(subject, subject.records(found))
    return {one.family.name.removeprefix("ebbtide_veeam_"): dict(one.rows) for one in measured if one.rows}


@pytest.mark.parametrize(
    "subject", [families.SERVER, families.LICENSE, families.CONFIGURATION_BACKUP, families.MALWARE_EVENTS,
                families.BEST_PRACTICES, families.BACKUP_OBJECTS, families.PROXY, families.MANAGED_SERVER],
    ids=lambda subject: subject.fed_by[0],
)  # fmt: skip
def test_what_was_never_answered_is_absent(subject):
    assert published(subject) == {}


def test_a_server_without_a_version_is_still_known_by_its_revision():
    server = VeeamServer(api_revision="1.3-rev1", utc_offset_seconds=3600.0)
    assert published(families.SERVER, veeam_server=server) == {
        "server_info": {("", "", "1.3-rev1", ""): 1}, "server_utc_offset_seconds": {(): 3600},
    }  # fmt: skip


def test_a_perpetual_licence_has_no_expiry():
    told = License(
        status="valid", license_type="Perpetual", edition="Standard", used={"sockets": 10.0}, licensed={"sockets": 12.0}
    )
    assert published(families.LICENSE, license=told) == {
        "license_info": {("valid", "Perpetual", "Standard"): 1},
        "license_used": {("sockets",): 10}, "license_licensed": {("sockets",): 12},
    }  # fmt: skip


def test_capacity_is_licensed_in_bytes_in_families_of_its_own():
    told = License(status="valid", expires_at=5.0, support_expires_at=4.0, used_bytes=1e12, licensed_bytes=2e12)
    samples = published(families.LICENSE, license=told)
    assert (samples["license_used_bytes"], samples["license_licensed_bytes"]) == ({(): 1e12}, {(): 2e12})
    assert (samples["license_expiry_timestamp_seconds"], samples["license_support_expiry_timestamp_seconds"]) == (
        {(): 5}, {(): 4},
    )  # fmt: skip
    assert "license_used" not in samples


@pytest.mark.parametrize(("moment", "value"), [(None, 0), (900.0, 900)])
def test_a_configuration_that_was_never_backed_up_says_0(moment, value):
    told = ConfigurationBackup(enabled=True, encrypted=None, last_success_at=moment)
    assert published(families.CONFIGURATION_BACKUP, configuration_backup=told) == {
        "configuration_backup_enabled": {(): 1}, "configuration_backup_last_success_timestamp_seconds": {(): value},
    }  # fmt: skip


@pytest.mark.parametrize(("newest", "value"), [(None, 0), (900.0, 900)])
def test_detections_have_counts_by_level_and_a_newest(newest, value):
    told = MalwareEvents(total={"infected": 2, "other": 0}, last_24h={"infected": 1, "other": 0}, newest_at=newest)
    assert published(families.MALWARE_EVENTS, malware_events=told) == {
        "malware_events": {("infected",): 2, ("other",): 0},
        "malware_events_24h": {("infected",): 1, ("other",): 0},
        "malware_newest_event_timestamp_seconds": {(): value},
    }  # fmt: skip


def test_an_analyzer_that_never_ran_says_nothing():
    assert published(families.BEST_PRACTICES, best_practices=BestPractices(by_status={})) == {}
    told = BestPractices(by_status={"ok": 2, "violation": 0})
    assert published(families.BEST_PRACTICES, best_practices=told) == {
        "best_practices": {("ok",): 2, ("violation",): 0}
    }


def test_failures_that_are_not_told_are_absent():
    told = BackupObjects(total=5, unprotected=1)
    assert published(families.BACKUP_OBJECTS, backup_objects=told) == {
        "backup_objects": {(): 5}, "unprotected_objects": {(): 1},
    }  # fmt: skip


def test_proxies_of_one_name_are_told_apart():
    told = (("a", "VMware Backup Proxy", True), ("b", "VMware Backup Proxy", False), ("c", "proxy01", None))
    proxies = [Proxy(id=identity, name=name, proxy_type="ViProxy", online=online) for identity, name, online in told]
    samples = published(families.PROXY, proxies=tuple(proxies))
    assert samples["proxy_online"] == {("VMware Backup Proxy (#a)",): 1, ("VMware Backup Proxy (#b)",): 0}
    assert ("proxy01", "c", "ViProxy") in samples["proxy_info"]
    assert set(samples) == {"proxy_info", "proxy_online"}


def test_a_proxy_that_is_off_or_old_says_so():
    proxy = Proxy(id="a", name="proxy01", online=False, enabled=False, out_of_date=True)
    samples = published(families.PROXY, proxies=(proxy,))
    assert (samples["proxy_enabled"], samples["proxy_out_of_date"]) == ({("proxy01",): 0}, {("proxy01",): 1})


def test_servers_of_one_name_are_told_apart():
    servers = (ManagedServer(id="a", name="hv01", available=False), ManagedServer(id="b", name="hv01", available=True))
    assert published(families.MANAGED_SERVER, managed_servers=servers)["managed_server_available"] == {
        ("hv01 (#a)",): 0, ("hv01 (#b)",): 1,
    }  # fmt: skip
